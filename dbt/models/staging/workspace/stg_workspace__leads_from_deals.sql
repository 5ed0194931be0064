-- Sources of which each deal is a lead from the day it was opened, since they bring no leads of their own.
select source_name from {{ ref('stg_workspace__sources') }} where leads_from_deals and not are_leads_staged
