select
    versions.manager_id, versions.manager_name, versions.team_id, versions.team_name, versions.region, versions.role,
    versions.strategy, versions.valid_from, versions.valid_to,
    versions.valid_to = date '9999-12-31' as is_current,
    employment.hired_on, employment.left_on, employment.employed_from, employment.employed_to
from {{ ref('int_managers__versions') }} as versions
left join {{ ref('int_managers__employment') }} as employment on versions.manager_id = employment.manager_id
