"""Official codes and outlines of real cities: never shipped, read from the folder of real data."""

from datetime import date
from io import StringIO

import numpy as np
import pyogrio
import pytest
import shapely
from django.core.management import CommandError, call_command

from geo import coordinates, outlines
from geo.area_import import import_areas
from geo.divisions import Division, DivisionError, compare, read_divisions, significant
from geo.models import Area, AuditEntry
from geo.problems import Problem

NEWER, OLDER = "admin/divisions_5level.csv", "admin/divisions_2020_vintage.csv"
CNMAPS, ECHARTS = "boundaries/cnmaps_amap_gcj02.geojson", "boundaries/echarts_quantised_gcj02_invalid.geojson"
ROADS = "osm/shanghai_peoples_square_roads.gpkg"


def run(*args):
    out = StringIO()
    call_command("import_areas", *map(str, args), stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def english():
    from django.utils.translation import override

    with override("en"):
        yield


def in_force(**filters):
    return Area.objects.filter(valid_to=None, **filters)


# --- Codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("650203001001", "650203001001"),
        ("650203001000", "650203001"),
        ("650203000000", "650203"),
        ("650200000000", "6502"),
        ("650200", "6502"),
        ("310000", "31"),
        ("441900003000", "441900003"),
    ],
)
def test_significant_digits(code, digits):
    assert significant(code) == digits


@pytest.mark.parametrize("code", ["", "6502 03", "65020", "abc", "000000"])
def test_what_is_no_code(code):
    with pytest.raises(ValueError, match="no division code"):
        significant(code)


def test_a_list_is_refused_with_every_bad_line(tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text(
        "code,name,level,parent_code12\n990100000000,甲市,2,\n99,省,1,\n9901x,乙,3,\n990101,,3,\n"
        "990102,丙区,5,\n990103,丁区,3,980000\n990100,别名,2,\n",
        encoding="utf-8",
    )
    with pytest.raises(DivisionError) as caught:
        read_divisions(file)
    assert [error.split(":")[0] for error in caught.value.errors] == [f"line {n}" for n in (4, 5, 6, 7, 8)]


def test_gb18030_and_chinese_columns(tmp_path):
    file = tmp_path / "codes.csv"
    file.write_bytes("区划代码,名称\n990100,甲市\n990101,乙区\n990101001000,丙街道\n".encode("gb18030"))
    rows = read_divisions(file)
    assert [(row.code, row.level, row.parent_code) for row in rows] == [
        ("9901", "city", ""),
        ("990101", "district", "9901"),
        ("990101001", "street", "990101"),
    ]
    with pytest.raises(DivisionError, match="column"):
        (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
        read_divisions(tmp_path / "bad.csv")


def test_vintages_compare_as_they_were_counted(shared_data):
    change = compare(read_divisions(shared_data / OLDER), read_divisions(shared_data / NEWER))
    assert (len(change.removed), len(change.added), len(change.renamed)) == (165, 491, 373)
    # Communities that moved from the 400s to ordinary codes keep their history.
    assert change.predecessors["310109019036"] == ["310109019401"]
    assert all(change.predecessors[division.code] for division in change.renamed)


def test_a_list_without_children_says_nothing_about_them():
    old = [Division("9901", "市"), Division("990101", "甲", "9901"), Division("990101001", "街", "990101")]
    change = compare(old, [Division("9901", "市"), Division("990101", "甲", "9901")])
    assert not change.removed
    change = compare(old, [Division("9901", "市"), Division("990102", "甲区", "9901")])
    assert {division.code for division in change.removed} == {"990101", "990101001"}


def test_codes_that_were_swapped_follow_their_names():
    old = [Division("990101001", "街"), Division("990101001001", "东苑居委会", "990101001")]
    old.append(Division("990101001002", "西苑居委会", "990101001"))
    new = [old[0], Division("990101001001", "西苑社区居民委员会", "990101001")]
    new.append(Division("990101001002", "东苑社区居民委员会", "990101001"))
    assert compare(old, new).predecessors == {
        "990101001001": ["990101001002"],
        "990101001002": ["990101001001"],
    }


# --- Outlines ---------------------------------------------------------------------------------------


def test_karamay_with_its_exclave(db, shared_data):
    out = run(shared_data / NEWER, "--under", "6502", "--outlines", shared_data / CNMAPS, "--crs", "gcj02")
    assert "overlap" not in out and "uncovered" not in out
    city = in_force().get(code="6502")
    assert city.valid_from == date(2000, 1, 1) and city.parent.code == "65"
    districts = in_force(level="district")
    assert sorted(districts.values_list("code", flat=True)) == ["650202", "650203", "650204", "650205"]
    shapes = {area.code: shapely.from_wkb(bytes(area.geom.wkb)) for area in in_force(geom__isnull=False)}
    assert 400e6 < outlines.square_metres(shapes["650202"]) < 406e6
    assert 7.12e9 < outlines.square_metres(shapes["6502"]) < 7.16e9
    # Dushanzi touches no other district, and the rest is one piece.
    others = shapely.union_all([shapes[code] for code in ("650203", "650204", "650205")])
    assert not shapely.intersects(shapes["650202"], others)
    assert len(shapely.get_parts(shapes["6502"])) >= 2
    together = shapely.union_all([shapes[area.code] for area in districts])
    assert outlines.square_metres(shapely.symmetric_difference(together, shapes["6502"])) < 1
    assert in_force(level="community", code__startswith="650203").exists()
    assert AuditEntry.objects.filter(action="area.import").exists()


def test_xiping_and_toksun_by_their_own_codes(db, shared_data):
    for code in ("411721", "650422"):
        run(shared_data / NEWER, "--under", code, "--outlines", shared_data / CNMAPS, "--crs", "gcj02")
        county = in_force().get(code=code)
        lon, lat = county.geom.centroid.coords
        raw = shapely.centroid(outlines.read_outlines(shared_data / CNMAPS, "gcj02", under=code).raw[code])
        back = coordinates.to_wgs84(raw.x, raw.y, "gcj02")
        assert (lon, lat) == pytest.approx(back, abs=5e-4)  # the shift bends a little


@pytest.mark.parametrize(("crs", "least", "most"), [("gcj02", 0, 10), ("wgs84", 20, 60)])
def test_central_shanghai_lies_on_its_roads(shared_data, crs, least, most):
    """District borders follow road centre lines, once the datum is right, and only then."""
    roads = pyogrio.read_dataframe(shared_data / ROADS, layer="roads").geometry.to_numpy()
    found = outlines.read_outlines(shared_data / CNMAPS, crs, under="3101").geometries
    borders = np.array([found[code] for code in ("310101", "310104", "310105", "310106")])
    lon, lat = coordinates.boundary_points(borders, every=8)
    west, south, east, north = shapely.total_bounds(roads)
    near = (lon > west - 0.02) & (lon < east + 0.02) & (lat > south - 0.02) & (lat < north + 0.02)
    guess = coordinates.probable_datum(lon[near], lat[near], roads)
    assert guess.points > 50
    assert least < guess.residuals["wgs84"] < most
    assert guess.probable == ("wgs84" if crs == "gcj02" else "gcj02")


def test_central_shanghai_declared_wrongly_is_warned_about_and_not_moved(db, shared_data):
    common = (shared_data / NEWER, "--under", "3101", "--outlines", shared_data / CNMAPS, "--known")
    common = (*common, shared_data / ROADS, "--known-layer", "roads", "--dry-run", "--crs")
    assert "probably gcj02" in run(*common, "wgs84")
    assert "probably" not in run(*common, "gcj02")
    assert not Area.objects.exists()


def test_a_later_import_in_another_datum_is_told_by_the_borders_so_far(db, shared_data):
    run(shared_data / NEWER, "--under", "6502", "--outlines", shared_data / CNMAPS, "--crs", "gcj02")
    before = in_force().get(code="650203").geom
    out = run(
        *(shared_data / NEWER, "--under", "6502", "--outlines", shared_data / CNMAPS, "--crs", "wgs84"),
        *("--valid-from", "2026-01-01", "--dry-run"),
    )
    assert "probably gcj02" in out
    assert in_force().get(code="650203").geom.equals_exact(before)


def test_invalid_outlines_are_refused_or_repaired_with_a_report(db, shared_data):
    args = (shared_data / NEWER, "--under", "6502", "--outlines", shared_data / ECHARTS, "--crs", "gcj02")
    out = run(*args, "--dry-run")
    assert "Refused (" in out and "Self-intersection" in out
    out = run(*args, "--repair")
    assert "Repaired (" in out and "m²" in out
    assert all(area.geom.valid for area in in_force(geom__isnull=False))
    assert in_force(level="district", geom__isnull=False).count() == 4


def test_vintages_end_and_continue(db, shared_data):
    run(shared_data / OLDER, "--under", "3101", "--valid-from", "2020-11-01")
    count = Area.objects.count()
    run(shared_data / NEWER, "--under", "3101", "--valid-from", "2023-11-01")
    ended = Area.objects.filter(valid_to=date(2023, 11, 1))
    assert in_force(code__startswith="3101").count() == Area.objects.count() - ended.count() - 1  # 31 above
    assert count < Area.objects.count()
    moved = in_force().get(code="310109019036")
    assert [area.code for area in moved.predecessors.all()] == ["310109019401"]
    renamed = in_force().get(code="310113501")
    assert renamed.predecessors.get().code == "310113501"
    assert renamed.children.filter(valid_to=None).exists()
    # Nothing of an unchanged vintage is touched by reading it again.
    before = Area.objects.count()
    assert "0 new" in run(shared_data / NEWER, "--under", "3101", "--valid-from", "2023-11-01")
    assert Area.objects.count() == before
    with pytest.raises(CommandError, match="older"):
        run(shared_data / OLDER, "--under", "3101", "--valid-from", "2020-11-01")


def square(x, y=0.0, side=0.01):
    return shapely.multipolygons([shapely.box(83.9 + x, 39.5 + y, 83.9 + x + side, 39.5 + y + side)])


def drawn(**shapes):
    return outlines.Outlines(geometries={code[1:]: shape for code, shape in shapes.items()}, crs="wgs84")


TREE = [Division("990101", "甲区"), Division("990101001", "东街道", "990101")]
TREE.append(Division("990101002", "西街道", "990101"))


def test_a_new_outline_begins_a_new_row_and_a_correction_does_not(db):
    first = drawn(c990101=square(0, 0, 0.02), c990101001=square(0), c990101002=square(0.01))
    report = import_areas(TREE, first, valid_from=date(2024, 1, 1))
    assert any("uncovered" in line for line in report.warnings)
    second = drawn(c990101001=square(0, 0, 0.009))
    import_areas(TREE, second, valid_from=date(2024, 1, 1))
    assert Area.objects.count() == 3
    third = drawn(c990101001=square(0, 0, 0.008))
    import_areas(TREE, third, valid_from=date(2025, 1, 1))
    rows = list(Area.objects.filter(code="990101001").order_by("valid_from"))
    assert [row.valid_to for row in rows] == [date(2025, 1, 1), None]
    assert list(rows[1].predecessors.all()) == [rows[0]]


def test_overlaps_and_strangers_are_told(db):
    both = drawn(c990101001=square(0), c990101002=square(0.005), c990109=square(1))
    report = import_areas(TREE, both, dry_run=True)
    assert any("overlap by" in line for line in report.warnings)
    assert any("990109" in line for line in report.warnings)
    assert report.derived == ["990101"]
    assert not Area.objects.exists()


def test_an_older_list_is_a_conflict(db):
    import_areas(TREE, valid_from=date(2025, 1, 1))
    with pytest.raises(Problem, match="older") as caught:
        import_areas(TREE, valid_from=date(2024, 1, 1))
    assert caught.value.status == 409


def test_files_that_cannot_be_used(db, tmp_path, shared_data):
    codes = shared_data / NEWER
    for arguments, said in (
        ((tmp_path / "none.csv",), "There is no file"),
        ((codes, "--outlines", codes), "outlines|read|No field"),
        ((codes, "--outlines", shared_data / CNMAPS, "--crs", "gcj02", "--code-field", "nix"), "No field"),
        ((codes, "--outlines", shared_data / CNMAPS, "--crs", "mars"), "mars"),
    ):
        with pytest.raises(CommandError, match=said):
            run(*arguments)
