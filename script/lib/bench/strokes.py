"""From a stroke on a draft to its answer with the figures: the community with most grids, cut into some
hundred blocks by streets laid for the purpose. All of it is rolled back."""

import statistics
import time

import shapely
from django.contrib.gis.geos import LineString
from django.db import connection, transaction
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from assets.models import ReferenceLine
from bench.timing import milliseconds, table
from geo import roles
from geo.models import Area, Grant, Role, User
from geo.problems import Problem
from grids.api.plans import answer
from grids.models import Grid, Plan
from grids.planning import draft, edits
from grids.planning.state import Draft

STREETS = 14


def measure(options) -> str:
    with transaction.atomic():
        rows, title = _measure(max(5, options.rounds))
        transaction.set_rollback(True)
    head = ["stroke", "times", "p50 ms", "worst ms", "of it our processor ms", "statements"]
    return table(title, head, rows)


def _measure(times: int) -> tuple[list, str]:
    roles.load()
    in_force = Grid.objects.filter(retired_on=None).values("community_code").annotate(n=Count("id"))
    code = in_force.order_by("-n", "community_code")[0]["community_code"]
    user = User.objects.create(username="bench-planner", name="bench")
    Grant.objects.create(user=user, role=Role.objects.get(code="planner"), area_code=code)
    _lay_streets(Area.objects.get(code=code, valid_to=None))
    begun = time.perf_counter()
    plan, _is_new = draft.start(user, name="bench", communities=[code], start=Plan.Start.IN_FORCE)
    started = time.perf_counter() - begun
    found = Draft.load(plan)
    title = (
        f"From stroke to figures: {len(found.active)} grids, {len(found.blocks)} blocks"
        f" (made and counted in {milliseconds(started)} ms)"
    )
    takers = Strokes(plan, user)
    rows = [takers.row(name, wishes, times) for name, wishes in takers.kinds(found).items()]
    return rows, title


def _lay_streets(area) -> None:
    west, south, east, north = area.geom.extent
    for number in range(STREETS):
        x = west + (east - west) * (number + 0.5) / STREETS
        y = south + (north - south) * (number + 0.5) / STREETS
        for name, ends in (
            ("v", ((x, south - 0.001), (x + 3e-5, north + 0.001))),
            ("h", ((west - 0.001, y), (east + 0.001, y + 3e-5))),
        ):
            line = LineString(*ends, srid=4326)
            ReferenceLine.objects.create(code=f"bench-{name}{number}", kind="road", geom=line)


class Strokes:
    """Strokes of each kind on one draft, each undone before the next."""

    def __init__(self, plan: Plan, user):
        self.plan, self.user = plan, user

    def kinds(self, found: Draft) -> dict[str, list]:
        """For each kind the parameters to try, on different ground."""
        near = found.adjacency()
        edge = [
            {"blocks": [pk], "to": found.blocks[other].grid, "allow_parts": True}
            for pk, block in found.blocks.items()
            for other in near[pk]
            if found.blocks[other].grid != block.grid
        ]
        cuts, rings = [], []
        for number, shape in found.shapes().items():
            west, south, east, north = shapely.bounds(shape)
            middle = (south + north) / 2 + 1.3e-5
            line = {
                "type": "LineString",
                "coordinates": [[west - 1e-4, middle], [east + 1e-4, middle + 2e-5]],
            }
            cuts.append({"grid": number, "line": line})
            x, y = shapely.get_coordinates(shapely.point_on_surface(shape))[0]
            ring = [[x - 2e-4, y - 2e-4], [x + 2e-4, y - 2e-4], [x, y + 2e-4], [x - 2e-4, y - 2e-4]]
            rings.append({"polygon": {"type": "Polygon", "coordinates": [ring]}, "allow_parts": True})
        return {"hand_over": edge, "cut": cuts, "carve": rings}

    def row(self, op: str, wishes: list, times: int) -> list:
        """Time, processor time and statements of ``times`` strokes; one before is not counted."""
        taken, busy, asked = [], [], []
        for params in wishes:
            if len(taken) > times:
                break
            self.plan.refresh_from_db()
            with CaptureQueriesContext(connection) as captured:
                begun, begun_busy = time.perf_counter(), time.process_time()
                try:
                    with transaction.atomic():
                        answer(edits.stroke(self.plan, self.user, op, params, self.plan.revision))
                except Problem:
                    continue
                taken.append(time.perf_counter() - begun)
                busy.append(time.process_time() - begun_busy)
            asked.append(len(captured))
            self.plan.refresh_from_db()
            edits.undo(self.plan, self.user, self.plan.revision)
        taken, busy = taken[1:], busy[1:]
        if not taken:
            return [op, 0, "", "", "", ""]
        return [
            op,
            len(taken),
            milliseconds(statistics.median(taken)),
            milliseconds(max(taken)),
            milliseconds(statistics.median(busy)),
            max(asked),
        ]
