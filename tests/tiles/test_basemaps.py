"""Base maps as data, and the one drawn from our own."""

import io
import re

import httpx
import pytest
from django.db import IntegrityError
from django.utils import translation
from PIL import Image

from assets.models import Building, PublicFacility, ReferenceLine
from tests import factories
from tiles import capabilities, code_tables, drawing
from tiles.matrix import SETS
from tiles.models import BaseMap
from tiles.upstream import Source

from .test_vector_tiles import MIDDLE, tile_at


@pytest.fixture
def seeded(city):
    code_tables.load()
    from django.contrib.gis.geos import LineString

    ReferenceLine.objects.create(
        code="R1",
        name="试验大道",
        kind="road",
        rank=1,
        width_m=30,
        geom=LineString((83.895, 39.5101), (83.935, 39.5101), srid=4326),
    )
    ReferenceLine.objects.create(
        code="W1",
        name="岚水",
        kind="water",
        rank=1,
        width_m=60,
        geom=LineString((83.9, 39.49), (83.92, 39.53)),
    )
    Building.objects.create(code="B1", name="一号楼", geom=factories.box(83.9146, 39.5106, 0.0006))
    PublicFacility.objects.create(
        code="P1", name="公园", kind="park", geom=factories.box(83.912, 39.512, 0.002)
    )
    return city


def test_the_shipped_ones_come_once_and_keep_what_was_changed(db):
    count = code_tables.load()
    BaseMap.objects.filter(name="tianditu-vec-c").update(key="secret", active=True)
    assert code_tables.load() == count
    assert BaseMap.objects.get(name="tianditu-vec-c").key == "secret"
    assert BaseMap.objects.get(name="tianditu-vec-c").label_layer.name == "tianditu-cva-c"


def test_the_list_tells_no_key_and_no_address(seeded, client):
    BaseMap.objects.filter(name__startswith="tianditu-").update(active=True, key="very-secret")
    answer = client.get("/api/basemaps/")
    assert b"very-secret" not in answer.content and b"tianditu.gov.cn" not in answer.content
    body = answer.json()
    maps = {one["id"]: one for one in body["basemaps"]}
    assert maps["city"]["default"] and maps["city"]["type"] == "xyz"
    vec = maps["tianditu-vec-c"]
    assert vec["url"] == "/basemaps/tianditu-vec-c/WorldCRS84Quad/{z}/{x}/{y}.png"
    assert vec["labels_url"] == "/basemaps/tianditu-cva-c/WorldCRS84Quad/{z}/{x}/{y}.png"
    assert (vec["min_level"], vec["max_level"]) == (0, 17)
    assert "tianditu-cva-c" not in maps
    assert body["extent"] == pytest.approx([83.9, 39.5, 83.93, 39.52])
    BaseMap.objects.filter(name="tianditu-vec-c").update(key="")
    maps = {one["id"]: one for one in client.get("/api/basemaps/").json()["basemaps"]}
    assert maps["tianditu-vec-c"]["broken"]
    client.force_login(factories.make_user(role="leader", area="9901"))
    assert client.get("/api/basemaps/").json()["basemaps"][0]["type"] == "own"


def test_only_our_own_are_named_city(db):
    with pytest.raises(IntegrityError):
        BaseMap.objects.create(name="city-other", title="x", service="wms_130", projection="EPSG:3857")


@pytest.mark.parametrize("matrix_set", SETS)
def test_pictures_of_our_own_data(seeded, client, matrix_set):
    z, x, y = tile_at(matrix_set, 15, *MIDDLE)
    url = f"/basemaps/city/{matrix_set}/{z}/{x}/{y}.png"
    answer = client.get(url)
    picture = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert picture.size == (256, 256) and answer["Content-Type"] == "image/png"
    colours = {picture.getpixel((i, j)) for i in range(0, 256, 2) for j in range(0, 256, 2)}

    def near(colour):
        wanted = tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return any(max(abs(a - b) for a, b in zip(wanted, c, strict=True)) <= 6 for c in colours)

    tone = drawing.TONES["light"]
    assert near(tone.land) and near(tone.main) and near(tone.building)
    assert client.get(f"/basemaps/city-grey/{matrix_set}/{z}/{x}/{y}.png").content != answer.content
    # 天地图's numbering names the same tile.
    alias = {"WorldCRS84Quad": ("c", 1), "WebMercatorQuad": ("w", 0)}[matrix_set]
    assert client.get(f"/basemaps/city/{alias[0]}/{z + alias[1]}/{x}/{y}.png").content == answer.content
    assert client.get("/basemaps/city/WebMercatorQuad/1/9/0.png").status_code == 404
    assert client.get("/basemaps/nothing/WebMercatorQuad/1/0/0.png").status_code == 404


def test_a_changed_road_is_drawn_anew(transactional_db, seeded):
    from tiles import cache

    quad = SETS["WebMercatorQuad"]
    cache.drop_waiting()
    spots = tile_at(quad.id, 16, *MIDDLE), tile_at(quad.id, 16, 83.99, 39.59)
    near, far = (drawing._file("city", quad, *spot) for spot in spots)
    for spot in spots:
        drawing.picture("city", "light", quad, *spot)
    cache.drop_waiting()
    assert near.exists() and far.exists()
    ReferenceLine.objects.filter(code="R1").update(name="新名大道")
    cache.drop_waiting()
    assert not near.exists() and far.exists()


def test_every_level_is_drawn(seeded):
    for matrix_set in SETS.values():
        for z in range(matrix_set.max_level + 1):
            spot = tile_at(matrix_set.id, z, *MIDDLE)
            assert drawing.picture("city", "light", matrix_set, *spot).startswith(b"\x89PNG")


def test_wmts_refusals(seeded, client):
    assert b"<Capabilities" in client.get("/basemaps/city/wmts?service=WMTS&request=GetCapabilities").content
    get_tile = "/basemaps/city/wmts?SERVICE=WMTS&REQUEST=GetTile&LAYER=city&TILEMATRIXSET=c&TILEMATRIX=16"
    _z, x, y = tile_at("WorldCRS84Quad", 15, *MIDDLE)
    answer = client.get(f"{get_tile}&TILEROW={y}&TILECOL={x}")
    assert answer.status_code == 200 and answer["Content-Type"] == "image/png"
    for url, code in (
        (f"{get_tile}&TILEROW=1", b"MissingParameterValue"),
        (f"{get_tile}&TILEROW=1&TILECOL=x", b"InvalidParameterValue"),
        (f"{get_tile}&TILEROW=1&TILECOL=9999999", b"TileOutOfRange"),
        ("/basemaps/city/wmts?service=WMS", b"InvalidParameterValue"),
        ("/basemaps/city/wmts?request=GetFeatureInfo", b"OperationNotSupported"),
    ):
        answer = client.get(url)
        assert answer.status_code >= 400 and code in answer.content and b"ExceptionReport" in answer.content


def test_administrators_enter_base_maps(seeded, client, settings, django_capture_on_commit_callbacks):
    client.force_login(factories.make_user(role="leader", area="9901"))
    assert client.get("/manage/basemaps/").status_code == 403
    client.force_login(factories.make_user(role="system_admin"))
    assert "天地图" in client.get("/manage/basemaps/").content.decode()
    BaseMap.objects.filter(name="tianditu-vec-c").update(key="very-secret")
    page = client.get("/manage/basemaps/tianditu-vec-c/").content.decode()
    assert "very-secret" not in page and "{key}" in page
    fields = {
        "name": "other",
        "title": "另一个",
        "service": "wms_130",
        "url": "ftp://example.invalid/wms",
        "layer": "a",
        "style": "default",
        "image_format": "image/png",
        "projection": "EPSG:4326",
        "level_offset": 0,
        "min_level": 0,
        "max_level": 18,
        "tone": "light",
        "opacity": 1,
        "position": 5,
        "timeout_s": 1,
        "active": "on",
        "box": "83,39,85,40",
    }
    answer = client.post("/manage/basemaps/new", fields)
    assert answer.status_code == 200 and "http://" in answer.content.decode()
    assert not BaseMap.objects.filter(name="other").exists()
    # Switched off it may be kept, to be completed later.
    del fields["active"]
    assert client.post("/manage/basemaps/new", fields).status_code == 302
    assert BaseMap.objects.get(name="other").extent.extent == (83, 39, 85, 40)
    assert client.post("/manage/basemaps/new", fields | {"name": "x", "box": "1,2"}).status_code == 200
    own = {"title": "底图", "tone": "grey", "opacity": 0.9, "position": 1, "min_level": 0, "max_level": 18}
    kept = settings.BASEMAP_CACHE / "city" / "1.png"
    kept.parent.mkdir(parents=True)
    kept.touch()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/manage/basemaps/city/", own | {"active": "on"}).status_code == 302
    assert not kept.parent.exists()
    assert BaseMap.objects.get(name="city").tone == "grey"
    assert client.post("/manage/basemaps/other/check").status_code == 302
    assert BaseMap.objects.get(name="other").problem


BROKEN = """<Capabilities><Contents><Layer><Identifier>a</Identifier>
<TileMatrixSetLink><TileMatrixSet>w</TileMatrixSet></TileMatrixSetLink></Layer>
<TileMatrixSet><Identifier>w</Identifier><SupportedCRS>EPSG:3857</SupportedCRS>
<TileMatrix><Identifier>0</Identifier><ScaleDenominator>many</ScaleDenominator></TileMatrix>
</TileMatrixSet></Contents></Capabilities>"""


def silent(request):
    raise httpx.ReadTimeout("late", request=request)


@pytest.mark.parametrize(
    ("url", "answer", "field"),
    [
        ("http://[::1", None, "url"),
        ("http://a map.example/", None, "url"),
        ("http://map.example:99999/", None, "url"),
        ("http://map.example/", silent, "url"),
        ("http://map.example/", lambda _request: httpx.Response(200, text=BROKEN), "max_level"),
        ("http://map.example/", lambda _request: httpx.Response(302, headers={"location": "/"}), "url"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(url, answer, field):
    source = Source("other", "Other", "wmts_kvp", url, "EPSG:3857", layer="a", matrix_set="w")
    findings = capabilities.check(source, transport=httpx.MockTransport(answer) if answer else None)
    (error,) = findings.errors
    assert error["field"] == field
    with translation.override("zh-hans"):
        (error,) = capabilities.check(
            source, transport=httpx.MockTransport(answer) if answer else None
        ).errors
    assert not re.search("[A-Za-z]{3}", error["detail"]), error["detail"]


def test_numbers_out_of_range_are_told_at_their_fields(seeded, client):
    client.force_login(factories.make_user(role="system_admin"))
    fields = {"name": "my map", "title": "t", "service": "wms_130", "projection": "EPSG:4326"} | {
        "image_format": "image/png",
        "level_offset": 0,
        "tone": "light",
        "position": 1,
        "min_level": 9,
        "max_level": 3,
        "opacity": 7,
        "timeout_s": 9999,
    }
    form = client.post("/manage/basemaps/new", fields).context["form"]
    assert set(form.errors) == {"name", "max_level", "opacity", "timeout_s"}
