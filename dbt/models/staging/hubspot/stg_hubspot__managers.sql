{{ config(materialized='table') }}
-- The team is the owner's primary one, from the owner's record or from tables of teams; built whole, as those may come later.
{%- set teams %}
    left join (
        select
            links.source_name as team_source, trim(links.owner_id) as team_owner,
            max_by(names.record_name, case when {{ is_yes('links.is_team_primary') }} then 1 else 0 end) as team_name
        from {{ source('raw', 'hubspot__link') }} as links
        inner join {{ source('raw', 'hubspot__label') }} as names on links.source_name = names.source_name and trim(links.team_id) = trim(names.id)
        where links.owner_id is not null
        group by 1, 2
    ) as teams_ on raw_.source_name = team_source and trim(raw_.id) = team_owner
{%- endset %}
{{ stage_entity('managers', [from_table('hubspot', 'owner', 'managers', {
    'manager_id': 'id',
    'manager_name': "coalesce(nullif(trim(concat_ws(' ', first_name, last_name)), ''), case when email is not null then 'owner ' || trim(id) end)",
    'team': "coalesce(case " ~ hubspot_primary_team('teams') ~ " end, team_name)",
    'email': 'email',
    'is_active': "case when " ~ is_yes('archived') ~ " then 'false' when archived is not null then 'true' else is_active end",
}, joined=teams)]) }}
