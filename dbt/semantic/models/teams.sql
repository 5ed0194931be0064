select team_id, team_name from {{ source('published', 'dim_team') }}
