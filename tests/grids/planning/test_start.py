"""What a draft can begin from, and what is repaired or refused on the way."""

import json
import zipfile

import pytest
import shapely
from django.core.files.base import ContentFile
from django.utils import timezone

from geo.problems import Problem
from grids.coverage import METRES_PER_DEGREE
from grids.models import Grid, PlanBlock
from grids.planning import draft, edits
from grids.planning.state import Draft
from grids.publication import to_shapely
from tests.factories import at, box, make_user
from tests.grids.planning.plans import (
    HOME,
    check,
    line,
    make_plan,
    make_slanted,
    make_streets,
    number_of,
    polygon,
    spot,
)

pytestmark = pytest.mark.django_db
METRE = 1 / METRES_PER_DEGREE


@pytest.fixture
def planner(city):
    return make_user("planner", role="planner", area="9901")


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def halves(gap_m: float = 0.0, **codes) -> bytes:
    """GeoJSON of a south and a north half of the first community, ``gap_m`` apart (negative: overlapping)."""
    south, north = at(0, 0), at(1, 1)
    middle = (south.y + north.y) / 2
    shapes = {
        "south": box(south.x, south.y, 0.01, 0.005),
        "north": shapely.box(south.x, middle + gap_m * METRE, north.x, north.y),
    }
    features = [
        {
            "type": "Feature",
            "properties": {"code": codes.get(name, ""), "name": name},
            "geometry": json.loads(shapely.to_geojson(shape) if name == "north" else shape.json),
        }
        for name, shape in shapes.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def from_file(planner, content: bytes, name: str = "grids.geojson", **options):
    plan = make_plan(planner, start="file", file=ContentFile(content, name), options=options)
    assert plan.state == "preparing", "files are left to a job"
    draft.prepare(plan.pk)
    plan.refresh_from_db()
    return plan


def test_a_file_that_fits(planner):
    plan = from_file(planner, halves(south=f"{HOME}001"))
    assert (plan.state, plan.findings) == ("draft", [])
    grids = check(plan).active
    assert [(g.code, g.name, g.grid_id is not None) for g in grids.values()] == [
        (f"{HOME}001", "south", True),
        (f"{HOME}005", "north", False),
    ], "the one continues a grid in force, the other is new and gets a code that was never used"
    draft.prepare(plan.pk)
    assert PlanBlock.objects.filter(plan=plan).count() == len(check(plan).blocks), "a job may run again"


@pytest.mark.parametrize(("gap", "kind"), [(0.4, "gap"), (-0.4, "overlap")])
def test_narrow_faults_are_repaired_and_shown(planner, gap, kind):
    plan = from_file(planner, halves(gap, south="001", north="003"))
    assert plan.state == "draft"
    (finding,) = plan.findings
    assert (finding["kind"], finding["repaired"]) == (kind, True)
    assert finding["width_m"] == pytest.approx(0.4, abs=0.02) and finding["given_to"]
    assert finding["geometry"]["type"] == "Polygon" and finding["text"]
    check(plan)


@pytest.mark.parametrize(("gap", "kind"), [(3, "gap"), (-3, "overlap")])
def test_wide_ones_are_refused_and_drawn(planner, gap, kind):
    plan = from_file(planner, halves(gap, south="001", north="003"))
    assert plan.state == "failed" and plan.problem
    (finding,) = plan.findings
    assert (finding["kind"], finding["repaired"]) == (kind, False)
    assert shapely.from_geojson(json.dumps(finding["geometry"])).area > 0
    assert not plan.grids.exists() and not PlanBlock.objects.filter(plan=plan).exists()


def test_a_zip_archive_and_what_is_no_data(planner, tmp_path):
    archive = tmp_path / "grids.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("folder/grids.geojson", halves())
        zipped.writestr("readme.txt", "")
    assert from_file(planner, archive.read_bytes(), "grids.zip").state == "draft"
    pointer = b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource>"
    for content, name in (
        (pointer, "x.json"),
        (b"PK nothing", "x.zip"),
        (b"{}", "x.geojson"),
        (b"", "x.exe"),
    ):
        plan = from_file(planner, content, name)
        assert plan.state == "failed" and plan.problem, name


def test_retired_codes_and_unknown_fields_are_told(planner):
    Grid.objects.filter(code=f"{HOME}003").update(retired_on=timezone.localdate())
    plan = from_file(planner, halves(south="001", north="003"))
    assert plan.state == "failed" and f"{HOME}003" in plan.problem
    plan = from_file(planner, halves(), code_field="nothing")
    assert plan.state == "failed" and "nothing" in plan.problem


def test_from_the_outline(planner):
    plan = make_plan(planner, start="outline")
    (grid,) = check(plan).active.values()
    assert grid.code == f"{HOME}005" and grid.grid is None
    plan = make_plan(planner, start="outline", streets=0, options={"grids": 3})
    found = check(plan)
    assert [grid.code[-3:] for grid in found.active.values()] == ["005", "006", "007"]
    assert {shape.geom_type for shape in found.shapes().values()} == {"Polygon"}


def test_from_another_plan(planner):
    first = make_plan(planner)
    edits.stroke(first, planner, "hand_over", {"point": spot(0.4, 0.1), "to": 2}, 0)
    edits.stroke(first, planner, "cut", {"grid": 4, "line": line((0.4, 0.71), (1.1, 0.83))}, 1)
    edits.stroke(first, planner, "set", {"grid": 2, "name": "东风"}, 2)
    second = make_plan(planner, start="plan", streets=0, source=first)
    one, two = check(first), check(second)
    assert [(g.code, g.name, g.grid_id) for g in one.active.values()] == [
        (g.code, g.name, g.grid_id) for g in two.active.values()
    ]
    for mine, other in zip(one.borders(exact=True).values(), two.borders(exact=True).values(), strict=True):
        assert shapely.equals_identical(mine.normalize(), other.normalize())
    edits.stroke(second, planner, "merge", {"grids": [1, 2], "into": 1}, 0)
    assert len(check(first).active) == 5, "the plans are two"


def test_what_is_missing_is_told(planner):
    for values in (
        {"start": "plan"},
        {"start": "file"},
        {"communities": []},
        {"communities": ["990101001999"]},
    ):
        with pytest.raises(Problem):
            make_plan(planner, streets=0, **values)


def test_many_communities_are_left_to_a_job(planner):
    codes = sorted({grid.community_code for grid in Grid.objects.filter(code__startswith="9901")})
    plan = make_plan(planner, codes, streets=0)
    assert (plan.state, plan.area_code) == ("preparing", "9901")
    draft.prepare(plan.pk)
    plan.refresh_from_db()
    found = check(plan)
    assert plan.state == "draft" and len(found.active) == 4 * len(codes)
    with pytest.raises(Problem) as raised:
        edits.stroke(plan, planner, "merge", {"grids": [1, 5], "into": 1}, 0)
    assert "社区" in raised.value.detail or "communit" in raised.value.detail


def test_an_unchanged_draft_is_published_as_kept(planner):
    make_slanted()
    make_streets(count=3)
    plan = make_plan(planner, streets=0)
    found = Draft.load(plan)
    assert len(found.blocks) > 30
    edits.stroke(plan, planner, "carve", {"polygon": polygon((0.1, 0.1), (0.2, 0.13), (0.17, 0.21))}, 0)
    edits.stroke(plan, planner, "merge", {"grids": [1, 5], "into": number_of(plan, "001")}, 1)
    found = check(plan)
    for number, border in found.borders(exact=True).items():
        in_force = to_shapely(Grid.objects.get(pk=found.grids[number].grid_id).geom)
        assert shapely.equals_identical(border.normalize(), in_force.normalize())
