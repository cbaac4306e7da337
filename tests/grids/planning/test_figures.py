"""Figures of plans: counted once, summed exactly, and what publishing really does."""

import random
from collections import Counter
from datetime import timedelta

import pytest
import shapely
from django.conf import settings
from django.contrib.gis.geos import LineString
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Building, Component, Estate, House, Household, ReferenceLine, Shop
from cases.models import Case
from geo import registry, tallies
from geo.models import Area
from geo.registry import Measure
from grids import coverage, publication
from grids.models import Grid, GridDuty, PlanBlock, PlanGrid
from grids.planning import counting, figures
from grids.publication import to_shapely
from tests.factories import START, at, make_case, make_component, make_worker
from tests.grids.planning.squares import WEST, block_at, draft_of, give, make_squares, new_grid

pytestmark = pytest.mark.django_db


def home(place, people: int = 3, code: str = "") -> Building:
    building = Building.objects.create(code=code or f"b{Building.objects.count()}", geom=place)
    for door in ("101", "102"):
        house = House.objects.create(building=building, floor=1, door=door)
        Household.objects.create(house=house, people=people)
    return building


@pytest.fixture
def crowded(city):
    """Rows all over the community, many of them exactly on borders of blocks, grids and the community."""
    return fill(city, on_borders=0.4)


def fill(city, on_borders: float):
    dice = random.Random(20)
    edges = [0, 0.25, 0.5, 0.75, 1]
    for number in range(120):
        x, y = (dice.choice(edges) if dice.random() < on_borders else dice.random() for _ in "xy")
        make_component(at(x, y))
        if number % 4 == 0:
            home(at(x, y), people=number % 5)
        if number % 6 == 0:
            make_case(at(x, y), reported_at=timezone.now() - timedelta(days=number))
        if number % 9 == 0:
            Estate.objects.create(code=f"e{number}", name="小区", geom=at(x, y))
    return city


def totals(rows) -> Counter:
    whole = Counter()
    for row in rows:
        whole.update({name: value for name, value in row.items() if isinstance(value, int)})
    return whole


def by_grid(measure: Measure) -> dict[str, int]:
    """What a measure counts by the grid its rows are in."""
    rows = tallies.rows(measure).filter(**{f"{measure.area}": WEST})
    if measure.time:
        rows = rows.filter(**{f"{measure.time}__gte": timezone.now() - counting.YEAR})
    rows = rows.values_list(measure.grid_code).annotate(v=tallies.value(measure))
    return {code: value for code, value in rows if value}


# --- Sums -------------------------------------------------------------------------------------------


def test_sums_over_grids_are_the_totals_of_the_community(crowded):
    told = figures.of(draft_of(make_squares()))

    for measure in counting.counted():
        plain = tallies.rows(measure).filter(**{measure.area: WEST}).aggregate(v=tallies.value(measure))["v"]
        assert sum(grid[measure.id] for grid in told["grids"].values()) == plain, measure.id
        assert sum(grid[measure.id] for grid in told["today"].values()) == plain, measure.id
        assert told["total"][measure.id] == plain, measure.id
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*), sum(h.people) from assets_household h join assets_house u on u.id = h.house_id"
            " join assets_building b on b.id = u.building_id where b.area_code = %s",
            [WEST],
        )
        homes, people = cursor.fetchone()
    assert homes > 20
    assert (told["total"]["households"], told["total"]["people"]) == (homes, people)


@pytest.mark.parametrize("seed", range(4))
def test_any_handing_over_keeps_the_sums(city, seed):
    """Blocks dealt out at random: each grid holds what plain SQL finds in its border, and all is there."""
    fill(city, on_borders=0)
    plan = make_squares(parts=8)
    draft = draft_of(plan)
    dice = random.Random(seed)
    for block in draft.blocks.values():
        if dice.random() < 0.5:
            block.grid = dice.choice(list(draft.grids))
    told = figures.of(draft)

    for number, shape in draft.shapes().items():
        with connection.cursor() as cursor:
            cursor.execute(
                "select (select count(*) from assets_component c where ST_Intersects(g.geom, c.anchor)),"
                " (select count(*) from assets_household h join assets_house u on u.id = h.house_id"
                "  join assets_building b on b.id = u.building_id where ST_Intersects(g.geom, b.anchor))"
                " from (select ST_GeomFromWKB(%s, 4326) as geom) g",
                [shapely.to_wkb(shape)],
            )
            held = told["grids"][number]
            assert cursor.fetchone() == (held["components"], held["households"])
    for name in ("components", "households", "people"):
        moved = sum(flow.get(name, 0) for flow in told["flows"])
        stayed = sum(
            held.get(name, 0)
            for (code, number), held in figures.sums(draft).pairs.items()
            if code == draft.grids[number].code
        )
        assert moved + stayed == told["total"][name] == sum(g[name] for g in told["today"].values())


def test_a_plan_like_today_says_what_stands_in_the_grids_and_moves_nothing(crowded):
    plan = make_squares()
    told = figures.of(draft_of(plan))

    assert told["flows"] == []
    codes = dict(plan.grids.values_list("number", "code"))
    for measure in counting.counted():
        standing = by_grid(measure)
        for number, code in codes.items():
            assert told["grids"][number][measure.id] == standing.get(code, 0), (measure.id, code)
            assert told["today"][code][measure.id] == standing.get(code, 0), (measure.id, code)


def test_pieces_are_counted_where_their_block_was(crowded):
    plan = make_squares(parts=2)
    before = sum(figures.sums(draft_of(plan)).plan.values(), Counter())
    old = block_at(plan, at(0.2, 0.2))
    west, south, east, north = old.geom.extent
    middle = round((west + east) / 2, 8)
    pieces = []
    for left, right in ((west, middle), (middle, east)):
        shape = old.geom.from_bbox((left, south, right, north))
        shape.srid = 4326
        pieces.append(PlanBlock.objects.create(plan=plan, grid=old.grid, community_code=WEST, geom=shape))
    PlanBlock.objects.filter(pk=old.pk).update(active=False)
    figures.count(pieces)

    after = sum(figures.sums(draft_of(plan)).plan.values(), Counter())
    assert {k: v for k, v in after.items() if isinstance(v, int)} == {
        k: v for k, v in before.items() if isinstance(v, int)
    }
    assert after["area_m2"] == pytest.approx(before["area_m2"], abs=0.1)
    assert all(piece.figures["components"] for piece in pieces)


def test_what_publishing_does_was_foretold(city):
    """Rows and people are where the draft said they would be."""
    fill(city, on_borders=0)
    make_worker(grid=f"{WEST}001", role="leader")
    make_worker(grid=f"{WEST}004", role="leader")
    make_worker(grid=f"{WEST}004")
    both = make_worker(grid=f"{WEST}004")
    GridDuty.objects.create(worker=both, grid=grid(f"{WEST}003"), role="member", valid_from=START)
    plan = make_squares()
    # 004 goes: most of it to 003, a corner to 002; 001 gives its east to a new grid.
    give(plan, 3, at(0.6, 0.6), at(0.6, 0.9), at(0.9, 0.9))
    give(plan, 2, at(0.9, 0.6))
    PlanGrid.objects.filter(plan=plan, number=4).update(active=False)
    new_grid(plan, 5)
    give(plan, 5, at(0.3, 0.1), at(0.3, 0.3))
    draft = draft_of(plan)
    told = figures.of(draft)
    assert sum(flow.get("components", 0) for flow in told["flows"])

    shapes = {draft.grids[number].code: shape for number, shape in draft.shapes().items()}
    outline = to_shapely(Area.objects.get(code=WEST).geom)
    clean = coverage.clean(WEST, shapes, outline)
    assert not clean.faults
    borders = {code: publication.Border(shape) for code, shape in clean.grids.items()}
    publication.publish([publication.NewBorders(WEST, borders, outline, clean.nodes)])

    for measure in counting.counted():
        standing = by_grid(measure)
        for number, held in told["grids"].items():
            code = draft.grids[number].code
            assert held[measure.id] == standing.get(code, 0), (measure.id, code)
    sums = figures.sums(draft)
    for number in told["grids"]:
        code = draft.grids[number].code
        duties = GridDuty.objects.filter(grid__code=code, valid_to=None)
        assert dict(duties.values_list("worker_id", "role")) == sums.people.then[code], code
        assert told["grids"][number]["workers"] == len(duties)


def grid(code: str) -> Grid:
    return Grid.objects.get(code=code)


def test_what_moves_is_told_by_where_it_comes_from(city):
    home(at(0.6, 0.1))
    make_component(at(0.6, 0.1))
    make_case(at(0.6, 0.1), state="filed")
    plan = make_squares()
    give(plan, 1, at(0.6, 0.1))
    (flow,) = figures.of(draft_of(plan))["flows"]

    assert (flow["from"], flow["to"]) == (f"{WEST}002", 1)
    assert (flow["households"], flow["people"], flow["components"], flow["cases_open"]) == (2, 6, 1, 1)
    assert flow["area_m2"] > 40_000


# --- From the registries ----------------------------------------------------------------------------


def test_a_new_measure_appears_by_itself(city):
    make_component(at(0.1, 0.1), name="树")
    make_component(at(0.1, 0.2))
    from django.db.models import Q

    registry.measures.register(
        Measure(
            id="trees",
            label="Trees",
            definition="Components called tree.",
            model="assets.Component",
            filters=lambda: Q(name="树"),
            tallied=False,
        )
    )
    try:
        told = figures.of(draft_of(make_squares()))
    finally:
        del registry.measures["trees"]

    assert "trees" in [one["id"] for one in told["measures"]]
    assert [told["grids"][number]["trees"] for number in (1, 2)] == [1, 0]
    assert told["total"]["trees"] == 1


def test_places_that_no_measure_counts_are_counted(city):
    ReferenceLine.objects.create(
        code="l1", kind="wall", geom=LineString(at(0.1, 0.1), at(0.2, 0.1), srid=4326)
    )
    assert figures.of(draft_of(make_squares()))["grids"][1]["place:reference_lines"] == 1
    assert not any(place.model == "assets.Component" for place in counting.uncounted_places())


def test_a_measure_without_a_place_of_its_own_is_left_out(city):
    ids = {measure.id for measure in counting.counted()}
    assert {"households", "people", "components", "shops", "cases_open", "cases_reported"} <= ids
    assert not ids & {"grids", "unit_grids", "workers", "workers_on_shift", "cases_closed_month"}


def test_cases_count_for_a_year(city):
    for days in (1, 300, 400):
        make_case(at(0.1, 0.1), reported_at=timezone.now() - timedelta(days=days))
    assert Case.objects.count() == 3
    assert figures.of(draft_of(make_squares()))["grids"][1]["cases_reported"] == 2


# --- Ground, roads, people --------------------------------------------------------------------------


def test_areas_add_up_in_the_citys_own_system(city):
    told = figures.of(draft_of(make_squares()))
    with connection.cursor() as cursor:
        cursor.execute(
            "select ST_Area(ST_Transform(geom, %s)) from geo_area where code = %s", [settings.CITY_SRID, WEST]
        )
        (area,) = cursor.fetchone()
    assert told["total"]["area_m2"] == pytest.approx(area, abs=2)
    assert sum(grid["area_m2"] for grid in told["grids"].values()) == pytest.approx(area, abs=4)
    # 856 m by 1,110 m: an oblong.
    assert told["grids"][1]["compactness"] == pytest.approx(0.772, abs=0.005)


def test_a_road_along_a_border_counts_half_on_either_side(city):
    def road(code, start, end, kind="road"):
        geom = LineString(at(*start), at(*end), srid=4326)
        ReferenceLine.objects.create(code=code, kind=kind, geom=geom)

    road("inside", (0.1, 0.1), (0.4, 0.1))
    road("border", (0.5, 0.5), (0.5, 1.0))
    road("across", (0.3, 0.8), (0.7, 0.8))
    road("water", (0.1, 0.2), (0.4, 0.2), kind="water")
    with connection.cursor() as cursor:
        cursor.execute(
            "select code, ST_Length(ST_Transform(geom, %s)) from assets_referenceline", [settings.CITY_SRID]
        )
        metres = dict(cursor.fetchall())
    told = figures.of(draft_of(make_squares()))["grids"]

    assert told[1]["patrol_m"] == pytest.approx(metres["inside"], abs=3)
    for number in (3, 4):
        expected = metres["border"] / 2 + metres["across"] / 2
        assert told[number]["patrol_m"] == pytest.approx(expected, abs=4)


def test_load_and_standard(city):
    for number in range(4):
        home(at(0.1, 0.1 + number / 100))
    home(at(0.6, 0.1))
    make_worker(grid=f"{WEST}001", role="leader")
    make_worker(grid=f"{WEST}001")
    gone = make_worker(grid=f"{WEST}001")
    gone.active = False
    gone.save()
    plan = make_squares()
    plan.standard_low, plan.standard_high = 2, 6
    plan.save()
    PlanGrid.objects.filter(plan=plan, number=4).update(kind="exclusive")
    told = figures.of(draft_of(plan))

    first = told["grids"][1]
    assert (first["households"], first["workers"], first["load_per_worker"]) == (8, 2, 4)
    assert told["grids"][2]["load_per_worker"] is None
    assert [told["grids"][n]["status"] for n in (1, 2, 3, 4)] == ["over", "within", "under", None]
    assert told["total"]["workers"] == 2


# --- Cost and age -----------------------------------------------------------------------------------


def test_a_stroke_asks_no_more_with_more_blocks(crowded):
    taken = []
    for parts in (4, 16):
        plan = make_squares(parts=parts)
        figures.of(draft_of(plan))
        draft = draft_of(plan)
        with CaptureQueriesContext(connection) as captured:
            figures.of(draft)
        taken.append(len(captured))
    assert taken == [4, 4]


def test_counting_asks_once_per_measure(crowded):
    taken = []
    for parts in (4, 16):
        blocks = list(make_squares(parts=parts).blocks.all())
        with CaptureQueriesContext(connection) as captured:
            figures.count(blocks)
        taken.append(len(captured))
    # Besides: the ground, the latest publication, the writing.
    assert taken == [len(counting.counted()) + len(counting.uncounted_places()) + 3] * 2


def test_figures_are_counted_anew_when_they_are_old(city):
    plan = make_squares()
    assert figures.refresh(draft_of(plan))
    make_component(at(0.1, 0.1))
    assert not figures.refresh(draft_of(plan))
    assert figures.of(draft_of(plan))["total"]["components"] == 0
    block = block_at(plan, at(0.1, 0.1))
    hours_ago = (timezone.now() - timedelta(hours=2)).isoformat()
    block.figures["counted"][0] = hours_ago
    block.save()
    assert figures.refresh(draft_of(plan))
    assert figures.of(draft_of(plan))["total"]["components"] == 1


def test_figures_are_counted_anew_after_a_publication(city):
    plan = make_squares()
    figures.refresh(draft_of(plan))
    publication.Publication.objects.create(
        kind="import", effective_on=timezone.localdate(), communities=["990102001001"]
    )
    assert not figures.refresh(draft_of(plan))
    publication.Publication.objects.create(
        kind="import", effective_on=timezone.localdate(), communities=[WEST]
    )
    assert figures.refresh(draft_of(plan))


def test_a_draft_of_two_communities_keeps_them_apart(city):
    make_component(at(0.1, 0.1))
    make_component(at(1.1, 0.1))
    plan = make_squares(WEST, "990101002001")
    told = figures.of(draft_of(plan))
    assert [told["grids"][number]["components"] for number in (1, 5)] == [1, 1]
    assert Component.objects.count() == told["total"]["components"] == 2
    assert Shop.objects.count() == told["total"]["shops"] == 0
