"""Who is asked to verify: the nearest on duty there who may, never of the unit that handled it.

Whoever else has duty in the grid may do it as well, and is told.
"""

from django.db import connection
from django.utils import timezone

from cases import flow, guards
from cases.models import Case

# Duty in the case's grid comes first, then a running shift, then the last position of that shift.
_NEAREST = """
select u.id
from grids_gridduty duty
join grids_worker w on w.id = duty.worker_id and w.active
join geo_user u on u.id = w.user_id and u.is_active
left join geo_organisation o on o.id = u.organisation_id
left join grids_shift s on s.worker_id = w.id and s.punched_in_at is not null and s.punched_out_at is null
left join lateral (
    select c.geom from grids_checkin c where c.shift_id = s.id order by c.id desc limit 1
) as last on true
where duty.grid_id = %(grid)s
  and duty.valid_from <= %(today)s and (duty.valid_to is null or duty.valid_to > %(today)s)
  and (%(path)s = '' or o.path is null or not starts_with(o.path, %(path)s))
  and exists (
      select 1 from geo_grant g join geo_role r on r.id = g.role_id
      where g.user_id = u.id and %(permission)s = any(r.permissions)
        and (g.valid_to is null or g.valid_to > %(today)s)
  )
order by s.id is null,
         last.geom::geography <-> ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326)::geography nulls last,
         duty.role desc, u.id
"""


def on_duty(case: Case) -> list[int]:
    """Ids of the users who may verify it by their duty in its grid, the nearest first; one statement."""
    if case.grid_id is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _NEAREST,
            {
                "grid": case.grid_id,
                "permission": flow.CHECKS.get(case.flow, "cases.verify"),
                "today": timezone.localdate(),
                "path": case.holder_unit.path if case.holder_unit_id else "",
                "lon": case.geom.x,
                "lat": case.geom.y,
            },
        )
        # Somebody may have duty twice, as a leader and as a member.
        found = dict.fromkeys(pk for (pk,) in cursor.fetchall())
    if case.self_handled:
        # Who solved it does not check it.
        found.pop(guards.self_handler(case), None)
    return list(found)
