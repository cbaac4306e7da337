"""Plans on real borders with their defects: from the file that was published to a proposal that is taken.

The borders come with a package of the tests (``census.py``), so nothing is skipped. Judged by networkx and
PostGIS, which know nothing of how a draft or a proposal was made.
"""

import itertools

import numpy as np
import pytest
import shapely
from django.db import connection

from grids import coverage
from grids.models import PlanBlock
from grids.planning import draft, proposals
from grids.planning.proposal import graph as graphs
from tests.factories import make_user
from tests.grids.planning import census, judges
from tests.grids.planning.plans import check, load, make_plan
from tests.grids.planning.test_proposal_search import blocks_of, found

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
TRACTS, TAMA, KANAGAWA = "990101001701", "990101001713", "990101001714"
WARDS, CHIBA = "990101001715", "990101001712"


@pytest.fixture
def planner(city):
    return make_user("planner", role="planner", area="9901")


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def from_file(planner, community: str, rows, file, **options):
    """A plan of a community whose outline the rows make, begun from a file."""
    census.make_community(community, community, rows)
    plan = make_plan(planner, [community], streets=0, start="file", file=file, options=options)
    draft.prepare(plan.pk)
    plan.refresh_from_db()
    return plan


def wide_overlaps(rows) -> set[tuple[int, int]]:
    """PostGIS: pairs of rows (by position) that cover a place together which is wider than the tolerance."""
    latitude = shapely.centroid(shapely.union_all(shapely.make_valid(rows.geometry.to_numpy()))).y
    shapes = coverage.metric(coverage.on_lattice(rows.geometry.to_numpy()), latitude)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            with given as (
                select number, ST_GeomFromWKB(wkb) as geom
                from unnest(%s::int[], %s::bytea[]) as rows(number, wkb)
            )
            select a.number, b.number from given a join given b on a.number < b.number and a.geom && b.geom
            where not ST_IsEmpty(ST_Buffer(ST_Intersection(a.geom, b.geom), %s))
            """,
            [list(range(len(rows))), list(shapely.to_wkb(shapes)), -coverage.TOLERANCE_M / 2],
        )
        return set(cursor.fetchall())


# --- From the file ----------------------------------------------------------------------------------


def test_what_fits_is_taken_as_it_is(planner):
    """195 tracts, given in degrees that the file does not name; one lies apart."""
    rows = census.tracts()
    plan = from_file(
        planner, TRACTS, rows, census.archive("10740/10740"), crs=str(census.NAD83), name_field="STFID"
    )
    assert (plan.state, plan.findings) == ("draft", []), plan.problem
    ready = check(plan)
    assert len(ready.active) == len(ready.blocks) == 195
    given = dict(zip(rows["STFID"], coverage.on_lattice(rows.geometry.to_numpy()), strict=True))
    for number, shape in ready.borders(exact=True).items():
        # Where only one of two has a corner on the border between them both get it, rounded to the lattice.
        assert shapely.hausdorff_distance(shape, given[ready.grids[number].name]) < 2 * coverage.LATTICE


def test_centimetres_are_repaired_and_shown(planner):
    """32 towns of western Tokyo out of a file of 262; a hair's breadth of their neighbours lies inside."""
    rows = census.municipalities("132", "133")
    plan = from_file(planner, TAMA, rows, census.archive("tokyo/tokyomet262"), name_field="AREANAME")
    assert plan.state == "draft", (plan.problem, [finding["text"] for finding in plan.findings])
    kinds = {finding["kind"] for finding in plan.findings}
    assert {"gap", "overlap"} <= kinds
    for finding in plan.findings:
        assert finding["repaired"] and finding["text"]
        assert finding["width_m"] < coverage.TOLERANCE_M
        assert finding["geometry"]["coordinates"]
    ready = check(plan)
    assert {grid.name for grid in ready.active.values()} == set(rows["AREANAME"])
    named = {ready.grids[number].name: shape for number, shape in ready.borders(exact=True).items()}
    for name, shape in zip(rows["AREANAME"], rows.geometry, strict=True):
        moved = coverage.metric(shapely.symmetric_difference(named[name], shape), 35.7)
        assert shapely.is_empty(shapely.buffer(moved, -coverage.TOLERANCE_M / 2)), name


def test_metres_are_refused_and_drawn(planner):
    """Kanagawa: dozens of narrow ones, and two towns that claim the same strip, as PostGIS finds too."""
    rows = census.municipalities("14")
    plan = from_file(planner, KANAGAWA, rows, census.archive("tokyo/tokyomet262"), name_field="AREANAME")
    assert plan.state == "failed" and plan.problem
    assert not plan.grids.exists() and not PlanBlock.objects.filter(plan=plan).exists()
    refused = [finding for finding in plan.findings if not finding["repaired"]]
    overlaps = [finding for finding in refused if finding["kind"] == "overlap"]
    pairs = {pair for finding in overlaps for pair in itertools.combinations(sorted(finding["grids"]), 2)}
    assert len(pairs) == len(wide_overlaps(rows)) > 0
    for finding in refused:
        assert finding["text"] and finding["width_m"] >= coverage.TOLERANCE_M
        assert shapely.is_valid(shapely.geometry.shape(finding["geometry"]))
    assert len(plan.findings) > len(refused), "what could be repaired is told beside it"


def test_every_part_that_lies_apart_is_told(planner):
    """The 23 wards: islands in the bay that belong to wards on land."""
    rows = census.municipalities("131")
    apart = sum(shapely.get_num_geometries(rows.geometry.to_numpy()) - 1)
    plan = from_file(planner, WARDS, rows, census.archive("tokyo/tokyomet262"), name_field="AREANAME")
    assert plan.state == "failed"
    kinds = [finding["kind"] for finding in plan.findings if not finding["repaired"]]
    assert kinds == ["parts"] * apart and apart > 5


def test_every_invalid_polygon_is_named(planner):
    rows = census.municipalities("12")
    broken = (~rows.geometry.is_valid).sum()
    assert broken > 1
    plan = from_file(planner, CHIBA, rows, census.archive("tokyo/tokyomet262"), name_field="AREANAME")
    assert plan.state == "failed"
    named = [finding["grids"] for finding in plan.findings if finding["kind"] == "invalid"]
    assert len(named) == broken == len({tuple(one) for one in named})


# --- Proposals --------------------------------------------------------------------------------------


def ground_of(plan) -> graphs.Ground:
    """A draft's blocks for the judges, weighed by ground."""
    blocks = sorted(load(plan).blocks.items())
    shapes = np.array([block.geom for _pk, block in blocks], dtype=object)
    homes = np.array([block.figures["area_m2"] for _pk, block in blocks], dtype=float)
    return graphs.Ground(
        ids=[pk for pk, _block in blocks],
        shapes=shapes,
        weights=homes,
        homes=homes,
        present=np.array([block.grid for _pk, block in blocks]),
        estates=[""] * len(blocks),
    )


def test_tracts_in_equal_grids():
    """Ten grids of the tracts that hang together; a tract is about four thousand people."""
    rows = census.tracts()
    shapes = coverage.on_lattice(rows.geometry.to_numpy())
    apart = shapely.get_parts(shapely.coverage_union_all(shapes))
    main = max(apart, key=shapely.area)
    shapes = shapes[shapely.covers(main, shapely.point_on_surface(shapes))]
    assert len(shapes) == len(rows) - 1
    ones = np.ones(len(shapes))
    ground = graphs.Ground(
        ids=list(range(len(shapes))),
        shapes=shapes,
        weights=ones,
        homes=ones,
        present=np.zeros(len(shapes), dtype=int),
        estates=[""] * len(shapes),
    )
    _outlook, found_ones = found(ground, 10, tolerance=0.1, keep=0, wanted=2)
    assert len(found_ones) == 2
    for proposal in found_ones:
        blocks = blocks_of(ground, proposal)
        assert set(blocks) == set(ground.ids) and set(blocks.values()) == set(range(10))
        assert judges.is_connected(ground, blocks)
        assert judges.pieces_in_postgis(ground, blocks) == [1] * 10
        assert judges.deviation(ground, blocks) <= 0.1


def test_repaired_borders_are_proposed_over_and_taken(client, planner):
    """What cleaning made is a graph that a proposal can walk: four grids of the towns, taken over."""
    rows = census.municipalities("132", "133")
    plan = from_file(planner, TAMA, rows, census.archive("tokyo/tokyomet262"), name_field="AREANAME")
    client.force_login(planner)
    wish = {"community": TAMA, "grids": 4, "measure": "area_m2", "tolerance": 0.3, "keep": 0, "seed": 3}
    address = f"/api/plans/{plan.pk}/proposals/"
    answer = client.post(address, {**wish, "alternatives": 1}, content_type="application/json")
    assert answer.status_code == 202, answer.content
    proposals.run(answer.json()["id"])
    proposal = client.get(f"{address}{answer.json()['id']}/").json()
    assert proposal["state"] == "ready" and proposal["alternatives"], proposal["message"]
    first = proposal["alternatives"][0]
    ground = ground_of(plan)
    blocks = {int(pk): part for pk, part in first["blocks"].items()}
    assert set(blocks) == set(ground.ids)
    assert judges.is_connected(ground, blocks)
    assert judges.pieces_in_postgis(ground, blocks) == [1] * 4
    deviation = judges.deviation(ground, blocks)
    assert first["deviation"] == pytest.approx(deviation, abs=0.01)
    assert deviation <= 0.3
    answer = client.post(
        f"{address}{proposal['id']}/apply/", {"alternative": 0, "base": 0}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    taken = check(plan)
    assert len(taken.active) == 4
    assert {shape.geom_type for shape in taken.shapes().values()} == {"Polygon"}
