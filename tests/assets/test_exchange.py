"""Files out and back in: formats, systems, scope, the log; jobs and their pages."""

import csv
import zipfile

import geopandas
import pytest
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from assets import exchange as exchanges
from assets.exporting import export_layer, exportable
from assets.importing import import_layer
from assets.models import Component, Exchange, ReferenceLine
from geo import coordinates
from geo.models import AuditEntry, Event
from geo.problems import Problem
from tests.factories import at, make_case, make_component, make_type, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward(city):
    return make_user("steward", role="data_steward", area="990101")


@pytest.fixture
def rows(city):
    kind = make_type(type_code="01", name="上水井盖")
    unit = make_unit("供水公司")
    make_component(at(0.25, 0.25), type=kind, name="=危险", owner_unit=unit, note="甲")
    make_component(at(1.25, 0.25), type=kind)
    make_component(at(2.25, 0.25), type=kind)
    return unit


@pytest.fixture(autouse=True)
def jobs_at_once(monkeypatch, settings, tmp_path, django_capture_on_commit_callbacks):
    """Jobs run when they are asked for; files lie in the test's folder."""
    from assets import jobs

    settings.DATA_DIR = tmp_path

    class Now:
        @staticmethod
        def defer(exchange):
            exchanges.run(exchange)

    monkeypatch.setattr(jobs, "run_exchange", Now)


def read(path):
    return geopandas.read_file(f"zip://{path}" if path.suffix == ".zip" else path)


@pytest.mark.parametrize(
    ("format", "crs"),
    [("gpkg", "4326"), ("gpkg", "4537"), ("gpkg", "4490"), ("shp", "4537"), ("geojson", "4326")],
)
def test_formats_and_systems(steward, rows, tmp_path, format, crs):
    done = export_layer("components", tmp_path, user=steward, format=format, crs=crs)
    frame = read(done.path)
    assert done.rows == len(frame) == 2  # the third lies in another district
    assert frame.crs.to_epsg() == int(crs)
    first = frame[frame["name"] == "=危险"].iloc[0]
    assert (first["type"], first["owner_unit"], first["note"]) == ("0101", rows.code, "甲")
    x, y = coordinates.to_wgs84(first.geometry.x, first.geometry.y, crs)
    assert (x, y) == pytest.approx(at(0.25, 0.25).coords, abs=1e-8)
    entry = AuditEntry.objects.get(action="layer.export")
    assert (entry.actor, entry.detail["layer"], entry.detail["rows"]) == (steward, "components", 2)


def test_csv_has_no_formulas(steward, rows, tmp_path):
    done = export_layer("components", tmp_path, user=steward, format="csv")
    with done.path.open(encoding="utf-8-sig") as file:
        lines = list(csv.DictReader(file))
    assert lines[0]["name"] == "'=危险" and float(lines[0]["lon"]) == 83.9025


def test_lines_and_areas(steward, rows, tmp_path):
    line = shapely.LineString([at(0.1, 0.1).coords, at(0.9, 0.1).coords])
    ReferenceLine.objects.create(code="r1", kind="road", geom=line.wkt)
    done = export_layer("reference_lines", tmp_path, user=steward, format="shp")
    with zipfile.ZipFile(done.path) as archive:
        assert {name.split(".")[0] for name in archive.namelist()} == {"reference_lines_line"}
    done = export_layer("components", tmp_path, user=steward, area="990101001")
    assert done.rows == 1
    grids = export_layer("grids", tmp_path, user=steward, format="geojson")
    assert len(read(grids.path)) == 24


def test_what_leaves_comes_back_unchanged(steward, rows, tmp_path):
    done = export_layer("components", tmp_path, user=steward, crs="4537")
    fields = ("code", "type", "standard", "name", "state", "owner_unit", "note", "surveyed_on")
    before = list(Component.objects.order_by("pk").values())
    report = import_layer(done.path, "component", {name: name for name in fields})
    assert (report.created, report.refused) == (0, [])
    after = list(Component.objects.order_by("pk").values())
    for old, new in zip(before, after, strict=True):
        assert old.pop("geom").equals_exact(new.pop("geom"), 1e-9)
        for name in ("anchor", "geom_3857"):
            old.pop(name), new.pop(name)
        assert old == new


@pytest.mark.parametrize(
    ("role", "layer", "status"),
    [
        ("leader", "components", 403),
        ("data_steward", "cases", 403),
        ("dispatcher", "components", 403),
        ("data_steward", "households", 404),
    ],
)
def test_who_may_take_what_away(city, tmp_path, role, layer, status):
    user = make_user(role=role, area="9901")
    with pytest.raises(Problem) as problem:
        export_layer(layer, tmp_path, user=user)
    assert problem.value.status == status


def test_cases_leave_without_their_reporters(city, tmp_path):
    make_case(at(0.2, 0.2), reporter=make_user("张三"))
    user = make_user(role="dispatcher", area="9901")
    frame = read(export_layer("cases", tmp_path, user=user).path)
    assert len(frame) == 1 and not any("report" in name and name != "reported_at" for name in frame.columns)
    assert not any(layer.model == "assets.Household" for layer in exportable(user))


def test_the_command(steward, rows, tmp_path, capsys):
    call_command("export_layer", "components", str(tmp_path / "c.gpkg"), "--user", "steward", "--crs", "4549")
    assert "2" in capsys.readouterr().out
    for bad in (["--crs", "gcj02"], ["--crs", "3857"], ["--format", "geojson", "--crs", "4490"]):
        with pytest.raises(CommandError):
            call_command("export_layer", "components", str(tmp_path / "c.gpkg"), "--user", "steward", *bad)


def test_an_export_through_the_api(steward, rows, django_capture_on_commit_callbacks):
    client = APIClient()
    client.force_login(steward)
    with django_capture_on_commit_callbacks(execute=True):
        asked = client.post("/api/exports/", {"layer": "components", "format": "csv"}, format="json")
    assert asked.status_code == 202, asked.content
    url = f"/api/exports/{asked.json()['uuid']}/"
    done = client.get(url).json()
    assert (done["state"], done["rows"]) == ("done", 2)
    body = b"".join(client.get(done["download"]).streaming_content)
    assert len(body.decode("utf-8-sig").strip().splitlines()) == 3
    assert client.get("/api/exports/").json()[0]["uuid"] == asked.json()["uuid"]
    assert Event.objects.get(layer="exchanges").user_id == steward.pk
    other = APIClient()
    other.force_login(make_user("other", role="data_steward", area="9901"))
    assert other.get(url).status_code == 404 and other.get(done["download"]).status_code == 404
    assert client.post("/api/exports/", {"layer": "nonsense"}, format="json").status_code == 404
    assert client.post("/api/exports/", {"layer": "components", "crs": "1"}, format="json").status_code == 422


def test_an_import_through_the_pages(steward, rows, django_capture_on_commit_callbacks):
    client = Client()
    client.force_login(steward)
    assert client.get("/data/imports/").status_code == 200
    text = "编码,类型,lon,lat\n9901010101000701,0101,83.9031,39.5031\n99,0101,83.9041,39.5031\n"
    file = SimpleUploadedFile("井盖.csv", text.encode("gbk"))
    taken = client.post("/data/imports/", {"file": file, "target": "assets.Component"})
    assert taken.status_code == 302
    page = client.get(taken.url)
    assert "9901010101000701" in page.content.decode()
    mapping = {"column_code": "编码", "column_type": "类型", "column_lon": "lon", "column_lat": "lat"}
    count = Component.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(taken.url, mapping | {"crs": "wgs84", "dry": "1"}).status_code == 302
    exchange = Exchange.objects.get()
    assert (exchange.state, exchange.result["created"], exchange.result["refused"]) == ("done", 1, 1)
    assert Component.objects.count() == count
    with django_capture_on_commit_callbacks(execute=True):
        client.post(taken.url, mapping | {"crs": "wgs84", "write": "1"})
    assert Component.objects.count() == count + 1
    page = client.get(taken.url).content.decode()
    assert "16" in page and "99" in page
    refused = b"".join(client.get(f"/data/{exchange.uuid}/refused").streaming_content)
    assert "99" in refused.decode("utf-8-sig")
    bad = client.post(taken.url, {"column_code": "编码"})
    assert bad.status_code == 422
    assert AuditEntry.objects.get(action="assets.import").actor == steward


def test_the_pages_are_for_those_who_may(city):
    client = Client()
    assert client.get("/data/imports/").status_code == 302
    client.force_login(make_user(role="leader", area="9901"))
    assert client.get("/data/imports/").status_code == 403
    assert client.get("/data/exports/").status_code == 403


def test_exports_page(steward, rows, django_capture_on_commit_callbacks):
    client = Client()
    client.force_login(steward)
    with django_capture_on_commit_callbacks(execute=True):
        form = {"layer": "components", "format": "gpkg", "crs": "4326", "area": ""}
        assert client.post("/data/exports/", form).status_code == 302
    page = client.get("/data/exports/").content.decode()
    assert "components-" in page and "/file" in page
    assert client.post("/data/exports/", {"layer": "components", "format": "exe"}).status_code == 422


def test_an_upload_of_another_kind_is_refused(steward):
    client = Client()
    client.force_login(steward)
    for name in ("a.exe", "../../etc/passwd", "a.shp"):
        answer = client.post(
            "/data/imports/", {"file": SimpleUploadedFile(name, b"x"), "target": "assets.Component"}
        )
        assert answer.status_code == 422, name
    assert not Exchange.objects.exists()


def test_a_job_that_ran_is_not_run_again(steward, rows, tmp_path):
    exchange = Exchange.objects.create(
        kind="export",
        owner=steward,
        options={"layer": "components", "format": "csv", "crs": "4326", "area": ""},
    )
    assert exchanges.run(exchange.pk) == "done"
    assert exchanges.run(exchange.pk) == "nothing to do"
    Exchange.objects.update(created_at="2020-01-01T00:00:00Z")
    exchange.refresh_from_db()
    assert exchange.file.exists()
    exchanges.forget_old()
    assert not exchange.folder.exists() and not Exchange.objects.exists()
