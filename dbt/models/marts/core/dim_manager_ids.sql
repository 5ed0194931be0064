select manager_ref, manager_id, source_name, is_id, manager_name, is_listed, email_marks
from {{ ref('int_managers__crosswalk') }}
