"""Importing grids: versions and lineage, rows that move, nodes in the areas, and what is refused."""

import json
from datetime import date, timedelta

import geopandas
import pytest
import shapely
from django.core.management import CommandError, call_command
from django.utils import timezone

from assets.models import Component
from geo import coordinates, registry
from geo.models import Area, AuditEntry
from geo.registry import Place
from grids import assignment, coverage
from grids.models import Grid, GridDuty, GridVersion, UnitGrid
from grids.publication import to_shapely
from tests.factories import LAT, LON, SIDE, at, make_component, make_worker

pytestmark = pytest.mark.django_db

HOME = "990101001001"


def cut(*rects):
    """Polygons by (code's sequence, west, south, east, north) in parts of the first community."""
    return {
        f"{HOME}{sequence}": shapely.box(
            *(round(base + part * SIDE, 8) for base, part in zip((LON, LAT, LON, LAT), edges, strict=True))
        )
        for sequence, *edges in rects
    }


def write(path, grids, crs=4326, **columns):
    data = {"code": list(grids), **columns}
    geopandas.GeoDataFrame(data, geometry=list(grids.values()), crs=crs).to_file(path)
    return str(path)


# 001 grows to the east, 002 shrinks, 003 and 004 become one exclusive grid 801.
NEW = cut(
    ("001", 0, 0, 0.6, 0.5),
    ("002", 0.6, 0, 1, 0.5),
    ("801", 0, 0.5, 1, 1),
)


def in_force():
    return set(Grid.objects.filter(community_code=HOME, retired_on=None).values_list("code", flat=True))


def test_versions_lineage_and_rows(city, tmp_path):
    stays, moves, merged = (make_component(at(x, y)) for x, y in ((0.1, 0.1), (0.55, 0.2), (0.7, 0.7)))
    elsewhere = make_component(at(1.5, 0.2))
    first, second = (make_worker(grid=f"{HOME}{n}", role="leader") for n in ("003", "004"))
    told = []
    registry.places.register(
        Place("told", "assets.Component", "x", after_regrid=lambda publication, moved: told.append(moved))
    )
    try:
        call_command("import_grids", write(tmp_path / "g.gpkg", NEW, name=["一", "二", "园"]), "--user", "")
    finally:
        del registry.places["told"]
    assert in_force() == set(NEW)
    ids = dict(Grid.objects.values_list("code", "id"))
    assert told == [
        [(moves.pk, ids[f"{HOME}002"], ids[f"{HOME}001"]), (merged.pk, ids[f"{HOME}004"], ids[f"{HOME}801"])]
    ]
    rows = dict(Component.objects.values_list("pk", "grid__code"))
    assert rows == {
        stays.pk: f"{HOME}001",
        moves.pk: f"{HOME}001",
        merged.pk: f"{HOME}801",
        elsewhere.pk: "990101002001001",
    }
    park = Grid.objects.get(code=f"{HOME}801")
    version = park.versions.get()
    assert (park.kind, park.name, version.lineage) == ("exclusive", "园", "merged")
    assert {grid.code[-3:] for grid in version.predecessors.all()} == {"003", "004"}
    moved = GridVersion.objects.filter(grid__code=f"{HOME}001").order_by("generation")
    assert [(v.generation, v.lineage, v.valid_to) for v in moved] == [
        (1, "new", timezone.localdate()),
        (2, "moved", None),
    ]
    assert Grid.objects.get(code=f"{HOME}003").retired_on == timezone.localdate()
    running = GridDuty.objects.filter(grid=park, valid_to=None)
    assert set(running.values_list("worker_id", "role")) == {(first.pk, "leader"), (second.pk, "member")}
    assert AuditEntry.objects.get(action="grids.publish").detail["moved"]["assets.Component"] == 2
    assert not any(assignment.disagreements(model) for model in assignment.located_models())


def test_the_same_again_changes_nothing(city, tmp_path):
    path = write(tmp_path / "g.gpkg", NEW)
    call_command("import_grids", path)
    before = GridVersion.objects.count()
    call_command("import_grids", path)
    assert GridVersion.objects.count() == before


def test_split_off(city, tmp_path):
    split = cut(
        ("001", 0, 0, 0.25, 0.5),
        ("005", 0.25, 0, 0.5, 0.5),
        ("002", 0.5, 0, 1, 0.5),
        ("003", 0, 0.5, 0.5, 1),
        ("004", 0.5, 0.5, 1, 1),
    )
    call_command("import_grids", write(tmp_path / "g.gpkg", split))
    version = GridVersion.objects.get(grid__code=f"{HOME}005")
    assert (version.lineage, [grid.code[-3:] for grid in version.predecessors.all()]) == ("split", ["001"])


def test_the_map_of_any_day(city, tmp_path):
    call_command("import_grids", write(tmp_path / "g.gpkg", NEW))
    yesterday = timezone.localdate() - timedelta(days=1)
    old = GridVersion.objects.filter(
        grid__community_code=HOME, valid_from__lte=yesterday, valid_to=timezone.localdate()
    )
    assert {version.grid.code[-3:] for version in old} == {"001", "002", "003", "004"}


def test_nodes_reach_neighbours_and_parents(city, tmp_path):
    tilted = cut(("001", 0, 0, 0.6, 1), ("002", 0.6, 0, 1, 1))
    call_command("import_grids", write(tmp_path / "g.gpkg", tilted))
    node = (round(LON + 0.6 * SIDE, 8), round(LAT + SIDE, 8))
    sharing = [
        area.code
        for area in Area.objects.order_by("code")
        if node in to_shapely(area.geom).geoms[0].exterior.coords
    ]
    assert sharing == [HOME, "990101001002"]
    outline = to_shapely(Area.objects.get(code=HOME).geom)
    shapes = [to_shapely(grid.geom) for grid in Grid.objects.filter(community_code=HOME, retired_on=None)]
    assert coverage.is_exact(shapes, outline)


@pytest.mark.parametrize("crs", ["4537", "gcj02", "4490"])
def test_from_other_systems(city, tmp_path, crs):
    shifted = shapely.transform(
        list(NEW.values()),
        lambda xy: shapely.get_coordinates(shapely.points(*coordinates.from_wgs84(*xy.T, crs))),
    )
    grids = dict(zip(NEW, shifted, strict=True))
    call_command("import_grids", write(tmp_path / "g.gpkg", grids, crs=None), "--crs", crs)
    assert in_force() == set(NEW)
    stored = to_shapely(Grid.objects.get(code=f"{HOME}001").geom)
    assert stored.equals_exact(NEW[f"{HOME}001"], 2e-7, normalize=True)


def test_borders_in_another_datum_are_refused_and_the_datum_is_named(city, tmp_path, capsys):
    shifted = shapely.transform(
        list(NEW.values()),
        lambda xy: shapely.get_coordinates(shapely.points(*coordinates.from_wgs84(*xy.T, "gcj02"))),
    )
    grids = dict(zip(NEW, shifted, strict=True))
    before = in_force()
    with pytest.raises(CommandError):
        call_command("import_grids", write(tmp_path / "g.gpkg", grids))
    assert "gcj02" in capsys.readouterr().err and in_force() == before


def test_unit_grids(city, tmp_path):
    component = make_component(at(0.3, 0.3))
    whole = {f"{HOME}001": shapely.box(LON, LAT, LON + SIDE, LAT + SIDE)}
    whole = {code: coverage.on_lattice(shape) for code, shape in whole.items()}
    call_command("import_grids", write(tmp_path / "u.gpkg", whole), "--unit")
    component.refresh_from_db()
    assert component.unit_grid.code == f"{HOME}001"
    assert component.grid.code == f"{HOME}001"
    assert UnitGrid.objects.filter(community_code=HOME, retired_on=None).count() == 1


def test_refused_with_every_fault_listed_and_drawn(city, tmp_path):
    bad = cut(("001", 0, 0, 0.4, 0.5), ("002", 0.5, 0, 1, 0.6), ("003", 0, 0.5, 1, 1))
    faults = tmp_path / "faults.geojson"
    before = in_force()
    with pytest.raises(CommandError):
        call_command("import_grids", write(tmp_path / "g.gpkg", bad), "--faults", str(faults))
    listed = json.loads(faults.read_text())["features"]
    assert sorted(feature["properties"]["kind"] for feature in listed) == ["gap", "overlap"]
    drawing = (tmp_path / "faults.html").read_text()
    assert drawing.count("<li>") == 2 and 'class="gap"' in drawing and "<script" not in drawing
    assert in_force() == before


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        (["12", f"{HOME}002", f"{HOME}003"], "15"),
        ([f"{HOME}001", f"{HOME}001", f"{HOME}003"], f"{HOME}001"),
        (["990101001099001", f"{HOME}002", f"{HOME}003"], "990101001099"),
    ],
)
def test_rows_that_cannot_be_taken(city, tmp_path, capsys, codes, text):
    frame = geopandas.GeoDataFrame({"code": codes}, geometry=list(NEW.values()), crs=4326)
    frame.to_file(tmp_path / "g.gpkg")
    with pytest.raises(CommandError):
        call_command("import_grids", str(tmp_path / "g.gpkg"))
    assert text in capsys.readouterr().err


def test_a_name_that_is_too_long_is_a_fault_not_cut(city, tmp_path, capsys):
    codes = [f"{HOME}001", f"{HOME}002", f"{HOME}003"]
    names = ["格" * 101, "格" * 100, ""]
    frame = geopandas.GeoDataFrame({"code": codes, "name": names}, geometry=list(NEW.values()), crs=4326)
    frame.to_file(tmp_path / "g.gpkg")
    with pytest.raises(CommandError):
        call_command("import_grids", str(tmp_path / "g.gpkg"))
    told = capsys.readouterr().err
    assert codes[0] in told and "101" in told and codes[1] not in told


def test_a_dry_run_changes_nothing(city, tmp_path):
    before = in_force()
    call_command("import_grids", write(tmp_path / "g.gpkg", NEW), "--dry-run")
    assert in_force() == before


def test_not_before_what_is_in_force(city, tmp_path):
    with pytest.raises(CommandError):
        call_command("import_grids", write(tmp_path / "g.gpkg", NEW), "--effective", "2020-01-01")
    with pytest.raises(CommandError):
        tomorrow = date.today() + timedelta(days=2)
        call_command("import_grids", write(tmp_path / "g.gpkg", NEW), "--effective", tomorrow.isoformat())


def test_check_located(city, capsys):
    component = make_component(at(0.25, 0.25))
    call_command("check_located")
    Component.objects.filter(pk=component.pk).update(grid=None, area_code="9901")
    with pytest.raises(SystemExit) as end:
        call_command("check_located")
    assert end.value.code == 1
    assert f"assets_component {component.pk}" in capsys.readouterr().out
    call_command("check_located", "--fix")
    component.refresh_from_db()
    assert (component.grid.code, component.area_code) == (f"{HOME}001", HOME)
