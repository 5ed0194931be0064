{{ config(meta={'empty_without': ['published_before']}) }}
select * from {{ source('raw', 'published_before') }}
