"""What can be found of grids: a coordinate pair's grid, grids, people on duty."""

from django.contrib.gis.geos import Point
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geo.notation import read_pair
from geo.registry import finders
from geo.search import Finder, found
from grids import queries
from grids.models import Grid, GridDuty, Shift, Worker


def find_pair(user, text: str, limit: int) -> list[dict]:
    """The place of a written coordinate pair."""
    pair = read_pair(text)
    if pair is None:
        return []
    lon, lat, crs = pair
    point = Point(lon, lat, srid=4326)
    answer = queries.find(point)
    words = answer.in_words() if answer.inside else answer.outside_in_words()
    code = answer.grid["code"] if answer.grid else ""
    return [found(f"{lon:.6f}, {lat:.6f} ({crs})", words, code=code, place=point)]


def find_grids(user, text: str, limit: int) -> list[dict]:
    """Grids by code or name."""
    rows = Grid.objects.for_user(user).filter(retired_on=None).defer("geom", "geom_3857")
    if text.isdigit():
        if len(text) < 9:
            return []
        rows = rows.filter(code__startswith=text)
    else:
        rows = rows.filter(name__contains=text)
    return [
        found(row.name or row.code, row.code, code=row.code, place=row.label_point)
        for row in rows.order_by("code")[:limit]
    ]


def find_people(user, text: str, limit: int) -> list[dict]:
    """Grid workers by name within the scope, those on shift first; never residents."""
    if text.isdigit():
        return []
    today = timezone.localdate()
    running = Shift.objects.filter(worker=OuterRef("pk"), punched_in_at__isnull=False, punched_out_at=None)
    rows = (
        Worker.objects.for_user(user)
        .filter(name__contains=text, active=True)
        .annotate(on_shift=Exists(running))
        .order_by("-on_shift", "name", "pk")[:limit]
    )
    workers = list(rows)
    duties = {}
    for duty in (
        GridDuty.objects.filter(
            Q(valid_to=None) | Q(valid_to__gt=today), worker__in=workers, valid_from__lte=today
        )
        .select_related("grid")
        .order_by("-role")
    ):
        duties[duty.worker_id] = duty
    answer = []
    for worker in workers:
        duty = duties.get(worker.pk)
        words = [_("on shift") if worker.on_shift else _("not on shift")]
        if duty:
            words.insert(0, f"{duty.get_role_display()} {duty.grid}")
        answer.append(
            found(
                worker.name,
                " · ".join(words),
                code=duty.grid.code if duty else "",
                place=duty.grid.label_point if duty else None,
            )
        )
    return answer


finders.register(
    Finder("place", gettext_lazy("Coordinates"), find_pair, order=10),
    Finder("grid", gettext_lazy("Grids"), find_grids, order=60),
    Finder("person", gettext_lazy("People on duty"), find_people, order=40),
)
