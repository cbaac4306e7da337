"""A filed case's statistics keep the grid it was filed in: only of others does a new grid change anything.

A publication of new borders moves thousands of filed cases, and each paid for being looked up again.
"""

from django.db import migrations

FORWARD = """
drop trigger cases_follow_place on cases_case;
create trigger cases_follow_place after update on cases_case for each row
    when (old.area_code is distinct from new.area_code or old.desk_code is distinct from new.desk_code
        or old.grid_id is distinct from new.grid_id and new.filed_community_code = '')
    execute function cases_follow_place();
"""
BACK = """
drop trigger cases_follow_place on cases_case;
create trigger cases_follow_place after update on cases_case for each row
    when (old.area_code is distinct from new.area_code or old.desk_code is distinct from new.desk_code
        or old.grid_id is distinct from new.grid_id)
    execute function cases_follow_place();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0093_open_area")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
