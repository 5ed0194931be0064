select team_id, min(team_name) as team_name
from {{ ref('int_managers__versions') }}
group by team_id
