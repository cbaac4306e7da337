"""Files into tables: formats, encodings, datums, refusals, and never twice."""

import csv
import zipfile

import geopandas
import pytest
import shapely
from django.core.management import CommandError, call_command
from django.db import connection

from assets.importing import import_layer, parse_mapping
from assets.models import Building, Component, House, Household, ReferenceLine, RiskPoint, Shop
from assets.privacy import forbidden
from geo import coordinates
from geo.models import AuditEntry
from geo.problems import Problem
from grids import assignment
from tests.factories import at, make_component, make_type, make_unit, make_user

pytestmark = pytest.mark.django_db

MAP = "code=编号,type=类型,name=名称,owner_unit=权属"


@pytest.fixture
def cover(city):
    return make_type(type_code="01", name="上水井盖")


@pytest.fixture
def owner(city):
    return make_unit("市政管理处")


def frame(places, **columns):
    return geopandas.GeoDataFrame(
        columns, geometry=[shapely.Point(*place.coords) for place in places], crs=4326
    )


def manholes(count=4, **more):
    places = [at(0.1 + 0.2 * number, 0.3) for number in range(count)]
    columns = {
        "编号": [f"9901010101{number:06d}" for number in range(1, count + 1)],
        "类型": ["上水井盖"] * count,
        "名称": ["井盖"] * count,
        "权属": ["市政管理处"] * count,
    }
    return frame(places, **(columns | more))


def load(path, mapping=MAP, to="assets.Component", **options):
    return import_layer(path, to, parse_mapping(mapping), **options)


@pytest.mark.parametrize(
    ("name", "options", "read"),
    [
        ("a.gpkg", {}, {}),
        ("a.geojson", {}, {}),
        ("a.shp", {"encoding": "UTF-8"}, {}),
        ("a.shp", {"encoding": "GBK"}, {}),
        ("a.shp", {"encoding": "GBK"}, {"encoding": "gbk"}),
    ],
)
def test_formats_and_encodings(cover, owner, tmp_path, name, options, read):
    manholes().to_file(tmp_path / name, **options)
    if name == "a.shp" and not read:
        (tmp_path / "a.cpg").unlink()  # as surveyors deliver them
    report = load(tmp_path / name, **read)
    assert (report.created, report.refused) == (4, [])
    row = Component.objects.get(code="9901010101000001")
    assert (row.name, row.type, row.owner_unit, row.grid.code) == ("井盖", cover, owner, "990101001001001")


def test_a_zipped_shapefile(cover, owner, tmp_path):
    manholes().to_file(tmp_path / "a.shp", encoding="GBK")
    (tmp_path / "a.cpg").unlink()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in tmp_path.glob("a.*"):
            if file.suffix != ".zip":
                archive.write(file, f"普查/../../{file.name}")
    assert load(tmp_path / "a.zip").created == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_csv(cover, owner, tmp_path, encoding):
    lines = ["编号,类型,名称,权属,经度,纬度", "9901010101000001,0101,井盖,市政管理处,83.9025,39.5025"]
    lines.append("9901010101000002,0101,井盖,市政管理处,东,北")
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding=encoding)
    report = load(tmp_path / "a.csv", f"{MAP},lon=经度,lat=纬度", crs="wgs84")
    assert (report.created, [(r.row, r.field) for r in report.refused]) == (1, [(2, "geom")])
    with pytest.raises(Problem, match="lon"):
        load(tmp_path / "a.csv", MAP, crs="wgs84")
    with pytest.raises(Problem):
        load(tmp_path / "a.csv", f"{MAP},lon=经度,lat=纬度")


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "4490", "4537"])
def test_datums(cover, owner, tmp_path, crs):
    data = manholes()
    x, y = coordinates.from_wgs84(data.geometry.x.to_numpy(), data.geometry.y.to_numpy(), crs)
    data = data.set_geometry(geopandas.points_from_xy(x, y), crs=None)
    data.to_file(tmp_path / "a.gpkg")
    load(tmp_path / "a.gpkg", crs=crs)
    row = Component.objects.get(code="9901010101000001")
    assert row.geom.coords == pytest.approx(at(0.1, 0.3).coords, abs=1e-7)


def test_a_wrong_datum_is_warned_about_and_nothing_moved(cover, owner, tmp_path):
    places = [at(0.1 + 0.001 * number, 0.3) for number in range(200)]
    for number in range(25):
        line = f"LINESTRING({places[number * 8].x} 39.503, {places[number * 8].x + 0.0001} 39.503)"
        ReferenceLine.objects.create(code=f"r{number}", kind="road", geom=line)
    x, y = coordinates.from_wgs84(*zip(*(place.coords for place in places), strict=True), "gcj02")
    data = geopandas.GeoDataFrame(
        {"编号": [f"9901010101{n:06d}" for n in range(1, 201)]},
        geometry=geopandas.points_from_xy(x, y),
        crs=4326,
    )
    data.to_file(tmp_path / "a.gpkg")
    report = load(tmp_path / "a.gpkg", "code=编号,type==0101")
    assert "gcj02" in report.warnings[0]
    assert Component.objects.get(code="9901010101000001").geom.x == pytest.approx(x[0])
    assert not load(tmp_path / "a.gpkg", "code=编号,type==0101", crs="gcj02").warnings


def test_again_updates_and_never_doubles(cover, owner, tmp_path):
    other = make_unit("排水公司")
    manholes().to_file(tmp_path / "a.gpkg")
    load(tmp_path / "a.gpkg")
    Component.objects.update(note="来自现场", state="damaged")
    again = load(tmp_path / "a.gpkg")
    assert (again.created, again.updated, again.unchanged) == (0, 0, 4)
    moved = manholes(5, 权属=["市政管理处"] * 2 + ["排水公司"] * 3)
    moved.loc[0, "geometry"] = shapely.Point(*at(2.6, 1.7).coords)
    moved.to_file(tmp_path / "b.gpkg")
    report = load(tmp_path / "b.gpkg")
    assert (report.created, report.updated, report.unchanged) == (1, 3, 1)
    assert Component.objects.count() == 5
    first = Component.objects.get(code="9901010101000001")
    # What the file does not say stays; what it says wins, and the row finds its new grid.
    assert (first.note, first.state, first.grid.code) == ("来自现场", "damaged", "990102001002004")
    assert Component.objects.filter(owner_unit=other).count() == 3
    assert not any(assignment.disagreements(model) for model in assignment.located_models())


def test_without_codes_they_are_minted_once(cover, tmp_path):
    data = manholes(5)
    data.loc[4, "geometry"] = data.loc[3, "geometry"]
    data.to_file(tmp_path / "a.gpkg")
    first = load(tmp_path / "a.gpkg", "type=类型")
    assert (first.created, [refusal.row for refusal in first.refused]) == (4, [5])
    codes = set(Component.objects.values_list("code", flat=True))
    assert codes == {f"9901010101{number:06d}" for number in range(1, 5)}
    second = load(tmp_path / "a.gpkg", "type=类型")
    assert (second.created, second.unchanged, Component.objects.count()) == (0, 4, 4)


def test_each_refused_row_says_why(cover, owner, tmp_path):
    data = manholes(8)
    data.loc[0, "编号"] = "123"
    data.loc[1, "类型"] = "飞碟"
    data.loc[2, "权属"] = "无此单位"
    data.loc[3, "名称"] = "长" * 61
    data.loc[4, "geometry"] = None
    data.loc[5, "编号"] = data.loc[6, "编号"]
    data.to_file(tmp_path / "a.gpkg")
    report = load(tmp_path / "a.gpkg")
    assert report.created == 2
    assert [(refusal.row, refusal.field) for refusal in report.refused] == [
        (1, "code"),
        (2, "type"),
        (3, "owner_unit"),
        (4, "name"),
        (5, "geom"),
        (7, "code"),
    ]
    report.write(tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8-sig") as file:
        lines = list(csv.reader(file))
    assert len(lines) == 7 and lines[1][:2] == ["1", "123"] and "16" in lines[1][3]


def test_a_dry_run_judges_and_changes_nothing(cover, owner, tmp_path, capsys):
    data = manholes(3)
    data.loc[0, "编号"] = "123"
    data.to_file(tmp_path / "a.gpkg")
    arguments = ["import_layer", str(tmp_path / "a.gpkg"), "--to", "component", "--map", MAP]
    call_command(*arguments, "--dry-run", "--report", str(tmp_path / "r.csv"))
    assert "123" in (tmp_path / "r.csv").read_text("utf-8-sig")
    assert not Component.objects.exists() and not AuditEntry.objects.filter(action="assets.import").exists()
    call_command(*arguments)
    assert Component.objects.count() == 2


def test_within_the_caller_s_areas(cover, owner, tmp_path):
    user = make_user(role="data_steward", area="990102")
    data = manholes(3)
    data.loc[1, "geometry"] = shapely.Point(*at(2.2, 0.3).coords)
    data.loc[2, "geometry"] = shapely.Point(*at(2.4, 0.3).coords)
    data.to_file(tmp_path / "a.gpkg")
    # The second is there already, in another district: moving it here would take it from them.
    make_component(at(0.5, 0.5), type=cover, code="9901010101000002")
    report = load(tmp_path / "a.gpkg", user=user)
    assert [(refusal.row, refusal.field) for refusal in report.refused] == [(1, "geom"), (2, "code")]
    assert report.created == 1


@pytest.mark.parametrize(
    ("mapping", "name"),
    [
        ("code=编号,type=类型,民族=名称", "民族"),
        ("code=编号,type=类型,note=民族", "民族"),
        ("code=编号,type=类型,note=没有", "没有"),
        ("code=编号,type=类型,colour=名称", "colour"),
        ("code=编号", "type"),
    ],
)
def test_mappings_that_are_refused(cover, tmp_path, mapping, name):
    manholes(民族=["汉"] * 4).to_file(tmp_path / "a.gpkg")
    with pytest.raises(Problem, match=name) as problem:
        load(tmp_path / "a.gpkg", mapping)
    assert problem.value.errors


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("民族", "ethnicity"),
        ("MZ", "ethnicity"),
        ("宗教信仰", "religion"),
        ("文化程度", "education"),
        ("ZZMM", "political status"),
        ("健康状况", "health"),
        ("HealthStatus", "health"),
        ("party_member", "political status"),
        ("人脸照片", "biometrics"),
        ("fingerprint_id", "biometrics"),
        ("surface", ""),
        ("名称", ""),
        ("民政编号", ""),
        ("pipe_diameter", ""),
        ("preface", ""),
    ],
)
def test_personal_fields_by_their_names(name, topic):
    assert forbidden(name) == topic


def test_not_a_file_of_that_kind(cover, tmp_path):
    (tmp_path / "a.gpkg").write_bytes(b"not a database")
    for path in (tmp_path / "a.gpkg", tmp_path / "none.gpkg"):
        with pytest.raises(Problem):
            load(path)
    with pytest.raises(CommandError):
        call_command("import_layer", str(tmp_path / "none.gpkg"), "--to", "assets.Component", "--map", "a=b")
    with pytest.raises(Problem, match=r"assets\.Component"):
        load(tmp_path / "none.gpkg", to="geo.User")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "a.csv"),
        ("a.csv", b'code,type\n,0101\n,"0101' + b",0101\n" * 30_000, "not closed|没有闭合"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type": "Fea', "damaged|损坏"),
        ("a.shp", b"\0" * 200, "a.shx, a.dbf"),
        ("a.kml", bytes(range(256)), "damaged|损坏"),
    ],
)
def test_broken_files_say_what_is_wrong(cover, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Problem, match=words):
        load(
            tmp_path / name, "type==0101,lon==83.9,lat==39.5" if name == "a.csv" else "type==0101", crs="4326"
        )


def test_a_shapefile_that_was_cut_off(cover, owner, tmp_path):
    manholes(40).to_file(tmp_path / "a.shp")
    whole = (tmp_path / "a.shp").read_bytes()
    (tmp_path / "a.shp").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Problem, match=r"a\.shp"):
        load(tmp_path / "a.shp")
    assert not Component.objects.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gbk"])
def test_blanks_around_the_names_of_columns(cover, tmp_path, encoding):
    """As spreadsheets write "Unicode text", and as people type."""
    lines = "编号\t 类型 \t经度\t纬度\n9901010101000001\t上水井盖\t83.9025\t39.5025\n"
    (tmp_path / "a.txt").write_text(lines, encoding=encoding)
    assert load(tmp_path / "a.txt", "code=编号,type=类型,lon=经度,lat=纬度", crs="wgs84").created == 1


def test_what_cannot_be_written_is_said_before_the_work(cover, owner, tmp_path):
    manholes().to_file(tmp_path / "a.gpkg")
    command = ["import_layer", str(tmp_path / "a.gpkg"), "--to", "component", "--map", MAP]
    with pytest.raises(CommandError, match="nowhere"):
        call_command(*command, "--report", str(tmp_path / "nowhere" / "r.csv"))
    assert not Component.objects.exists()
    make_user("steward", role="data_steward", area="9901")
    with pytest.raises(CommandError, match="nowhere"):
        call_command("export_layer", "components", str(tmp_path / "nowhere" / "c.gpkg"), user="steward")


def test_a_file_that_is_closed_names_the_user_it_is_closed_to(monkeypatch, tmp_path):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.exists", closed)
    with pytest.raises(CommandError, match="install -d -o"):
        call_command("import_layer", str(tmp_path / "a.gpkg"), "--to", "component", "--map", "type==0101")


def test_buildings_units_households_and_shops(city, tmp_path):
    square = shapely.box(*at(0.1, 0.1).coords, *at(0.15, 0.15).coords)
    houses = geopandas.GeoDataFrame(
        {"code": ["b1", "b2"], "name": ["一号楼", "二号楼"], "use": ["住宅", "shop"], "floors": ["6", "abc"]},
        geometry=[square, square],
        crs=4326,
    )
    houses.to_file(tmp_path / "b.gpkg")
    report = load(tmp_path / "b.gpkg", "code=code,name=name,floors=floors", to="assets.Building")
    assert (report.created, [(r.row, r.field) for r in report.refused]) == (1, [(2, "floors")])
    assert Building.objects.get().geom.geom_type == "Polygon"
    (tmp_path / "h.csv").write_text("楼,单元,层,户,人\nb1,1,2,201,3\nb1,1,2,202,2\nb9,1,1,101,1\n")
    doors = "building=楼,stairwell=单元,floor=层,door=户"
    report = load(tmp_path / "h.csv", doors, to="assets.House")
    assert (report.created, len(report.refused)) == (2, 1)
    assert House.objects.get(door="201").floor == 2
    report = load(tmp_path / "h.csv", f"{doors},people=人", to="assets.Household")
    assert (report.created, [r.field for r in report.refused]) == (2, ["building"])
    again = load(tmp_path / "h.csv", f"{doors},people==4", to="assets.Household")
    assert (again.created, again.updated) == (0, 2)
    assert sum(Household.objects.values_list("people", flat=True)) == 8
    (tmp_path / "s.csv").write_text("code,name,b\ns1,面馆,b1\n")
    assert load(tmp_path / "s.csv", "code=code,name=name,building=b", to="assets.Shop").created == 1
    assert Shop.objects.for_user(make_user(role="leader", area="990101")).count() == 1


def test_risk_points_are_graded_and_numbered(city, tmp_path):
    data = frame([at(0.2, 0.2), at(0.4, 0.2)], 名=["加油站", "基坑"], l=[3, 6], e=[6, 6], c=[15, 4])
    data.to_file(tmp_path / "r.gpkg")
    mapping = "code==,name=名,category==一般,likelihood=l,exposure=e,consequence=c"
    report = load(tmp_path / "r.gpkg", mapping, to="assets.RiskPoint")
    assert (report.created, [r.field for r in report.refused]) == (1, ["consequence"])
    risk = RiskPoint.objects.get()
    assert (risk.level, risk.code[:7]) == ("orange", "R990101")


def test_a_hundred_thousand_rows_take_few_statements(cover, owner, tmp_path, django_assert_max_num_queries):
    count = 3000
    places = [at(0.001 + 0.9 * number / count, 0.3) for number in range(count)]
    frame(places, 编号=[f"9901010101{n + 1:06d}" for n in range(count)], 类型=["0101"] * count).to_file(
        tmp_path / "a.gpkg"
    )
    with django_assert_max_num_queries(40):
        assert load(tmp_path / "a.gpkg", "code=编号,type=类型").created == count
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('import_row')")
        assert cursor.fetchone()[0] is None
