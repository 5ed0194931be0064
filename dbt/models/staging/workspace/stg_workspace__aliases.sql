-- Spellings of people go through what staging does to their names, so that an alias of an e-mail still fits.
with

run as (
    select
        settings.personal_data = 'clear' as keeps_personal_data,
        (select max(key) from {{ source('vault', 'hash_key') }}) as vault_key
    from {{ source('raw', 'workspace__settings') }} as settings
),

spelled as (
    select
        aliases.subject,
        case aliases.subject when 'manager' then {{ as_person_name('aliases.spelling') }} when 'customer' then {{ as_customer_name('aliases.spelling') }}
            else aliases.spelling end as spelling,
        case aliases.subject when 'manager' then {{ as_person_name('aliases.name') }} when 'customer' then {{ as_customer_name('aliases.name') }}
            else aliases.name end as name
    from {{ source('raw', 'workspace__aliases') }} as aliases
    cross join run
)

select
    subject,
    spelling,
    {{ as_match_name('spelling') }} as spelling_match,
    name,
    {{ as_match_name('name') }} as name_match
from spelled
