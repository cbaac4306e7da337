"""Our proxy before MapProxy (WMTS) before MapServer (WMS): every tile where it belongs."""

import asyncio
import io
import subprocess
import threading
import time
from dataclasses import replace

import httpx
import pytest
import uvicorn
from PIL import Image

from tests.clients import servers
from tiles import actions, capabilities, proxy, upstream
from tiles.matrix import SETS
from tiles.models import BaseMap

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not servers.MAPSERV.exists(), reason="MapServer is not installed"),
]
CORNER = (85.0, 40.0)  # north-east corner of what is red
RED, WHITE = (255, 0, 0), (255, 255, 255)


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    pytest.importorskip("mapproxy")
    folder = tmp_path_factory.mktemp("services")
    wms = servers.mapserver(folder)
    with servers.wsgi(wms) as wms_url, servers.wsgi(servers.mapproxy(folder, wms_url)) as wmts_url:
        yield {"wms": wms_url, "wmts": wmts_url, "requests": wms.requests}


def source(services, kind, projection, **values) -> upstream.Source:
    lonlat = projection == "EPSG:4326"
    common = {
        "name": "other",
        "title": "Other",
        "service": kind,
        "projection": projection,
        "layer": "quarter",
    }
    if kind == "wmts_kvp":
        common |= {"url": f"{services['wmts']}/service?tk={{key}}", "key": "k&1", "style": "default"}
        common |= {"matrix_set": "c" if lonlat else "w", "level_offset": int(lonlat), "max_level": 16}
    elif kind == "wmts_rest":
        common |= {
            "url": services["wmts"] + "/wmts/quarter/{TileMatrixSet}/{TileMatrix}/{TileCol}/{TileRow}.png"
        }
        common |= {"matrix_set": "c" if lonlat else "w", "level_offset": int(lonlat)}
    else:
        common |= {"url": f"{services['wms']}/", "style": ""}
    return upstream.Source(**(common | values))


KINDS = [
    ("wmts_kvp", "EPSG:4326", {}),
    ("wmts_kvp", "EPSG:3857", {}),
    ("wmts_rest", "EPSG:4326", {}),
    ("wmts_rest", "EPSG:3857", {}),
    ("wms_111", "EPSG:4326", {}),
    ("wms_111", "EPSG:4326", {"matrix_set": "EPSG:4490"}),
    ("wms_111", "EPSG:3857", {}),
    ("wms_130", "EPSG:4326", {}),
    ("wms_130", "EPSG:4326", {"matrix_set": "EPSG:4490"}),
    ("wms_130", "EPSG:3857", {}),
]


def colours_around_the_corner(picture: bytes, quad, z, x, y) -> dict[str, tuple]:
    """The colours some pixels away from the corner, in each direction."""
    from tiles.matrix import to_mercator

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    place = CORNER if quad.srid == 4326 else to_mercator(*CORNER)
    west, _south, _east, north = quad.bounds(z, x, y)
    unit = quad.side(z) / 256
    column, row = (place[0] - west) / unit, (north - place[1]) / unit
    found = {}
    for name, dx, dy in (("sw", -3, 3), ("se", 3, 3), ("nw", -3, -3), ("ne", 3, -3)):
        spot = int(column + dx), int(row + dy)
        if all(0 <= part < 256 for part in spot):
            found[name] = image.getpixel(spot)
    return found


@pytest.mark.parametrize(("kind", "projection", "values"), KINDS)
def test_tiles_lie_where_they_belong(services, settings, kind, projection, values):
    one = source(services, kind, projection, **values)
    quad = one.quad

    async def scenario():
        app = proxy.Proxy()
        app.sources, app.read_at = {"other": one}, time.monotonic()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            corners = set()
            for z in (3, 6, 9):
                lon, lat = CORNER
                west, east, north, south = quad.cover(z, (lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01))
                for x in range(west, east + 1):
                    for y in range(north, south + 1):
                        answer = await client.get(f"/basemaps/other/{quad.id}/{z}/{x}/{y}.png")
                        assert answer.status_code == 200, answer.text
                        assert answer.headers["content-type"] == "image/png"
                        found = colours_around_the_corner(answer.content, quad, z, x, y)
                        corners |= set(found)
                        for name, colour in found.items():
                            # A picture turned into few colours is off by a shade.
                            wanted = RED if name == "sw" else WHITE
                            off = max(abs(a - b) for a, b in zip(colour, wanted, strict=True))
                            assert off < 8, (z, x, y, name, colour)
            assert {"sw", "ne"} <= corners

    asyncio.run(scenario())


@pytest.mark.parametrize(("kind", "projection", "values"), KINDS)
def test_capabilities_are_read(services, kind, projection, values):
    one = source(services, kind, projection, **values)
    findings = capabilities.check(one, (82.5, 37.5))
    assert findings.errors == []
    if kind == "wmts_kvp":
        # The service's own names, one higher in 天地图's "c".
        assert int(findings.matrices["5"]) == 5 + one.level_offset


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("wmts_kvp", {"layer": "wrong"}, "layer"),
        ("wmts_kvp", {"matrix_set": "w"}, "projection"),
        ("wmts_kvp", {"matrix_set": "none"}, "matrix_set"),
        ("wmts_kvp", {"style": "fancy"}, "style"),
        ("wmts_kvp", {"image_format": "image/webp"}, "image_format"),
        ("wmts_kvp", {"max_level": 22}, "max_level"),
        ("wmts_kvp", {"key": ""}, "key"),
        ("wmts_kvp", {"url": "http://127.0.0.1:1/"}, "url"),
        ("wmts_kvp", {"url": "ftp://x"}, "url"),
        ("wmts_rest", {"url": "http://127.0.0.1:1/x.png"}, "url"),
        ("wms_130", {"layer": "wrong"}, "layer"),
        ("wms_130", {"matrix_set": "EPSG:4214"}, "matrix_set"),
        ("wms_130", {"matrix_set": "EPSG:3857"}, "matrix_set"),
        ("wms_130", {"image_format": "image/x"}, "image_format"),
    ],
)
def test_what_does_not_fit_is_named(services, kind, change, field):
    one = replace(source(services, kind, "EPSG:4326"), **change)
    errors = capabilities.check(one, (82.5, 37.5)).errors
    assert field in {error["field"] for error in errors}
    assert all("k&1" not in error["detail"] for error in errors)


def test_saving_checks_and_the_right_is_asked_for(services, city):
    from geo.problems import Problem
    from tests import factories

    values = {
        "name": "other",
        "title": "Other",
        "service": "wms_130",
        "url": f"{services['wms']}/",
        "layer": "quarter",
        "projection": "EPSG:4326",
        "style": "default",
    }
    admin = factories.make_user(role="system_admin")
    with pytest.raises(Problem) as refused:
        actions.save_basemap(factories.make_user(role="leader", area="9901"), BaseMap(**values))
    assert refused.value.status == 403
    with pytest.raises(Problem) as refused:
        actions.save_basemap(admin, BaseMap(**values | {"layer": "none"}))
    assert refused.value.errors[0]["field"] == "layer"
    assert not BaseMap.objects.filter(name="other").exists()
    saved = actions.save_basemap(admin, BaseMap(**values))
    assert saved.checked_at and not saved.problem


class Upstream:
    """A service that does as it is told, and counts."""

    def __init__(self):
        self.count, self.behaviour = 0, "good"

    async def __call__(self, request):
        self.count += 1
        if self.behaviour == "slow":
            await asyncio.sleep(5)
        if self.behaviour == "down":
            raise httpx.ConnectError("refused", request=request)
        if self.behaviour == "xml":
            return httpx.Response(200, content=b"<ServiceException>tk=secret</ServiceException>")
        if self.behaviour == "denied":
            return httpx.Response(418, content=b"tk=secret")
        await asyncio.sleep(0.05)
        picture = io.BytesIO()
        Image.new("RGB", (256, 256), RED).save(picture, "PNG")
        return httpx.Response(200, content=picture.getvalue())


@pytest.mark.parametrize("behaviour", ["down", "xml", "denied", "slow"])
def test_a_broken_service_is_a_clean_502_and_left_alone(behaviour):
    told = Upstream()
    told.behaviour = behaviour
    one = upstream.Source(
        name="other",
        title="Other",
        service="wmts_kvp",
        url="http://host.invalid/wmts?tk={key}",
        key="secret",
        projection="EPSG:3857",
        timeout_s=0.1,
    )

    async def scenario():
        app = proxy.Proxy(transport=httpx.MockTransport(told))
        app.sources, app.read_at = {"other": one}, time.monotonic()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            for number in range(6):
                answer = await client.get(f"/basemaps/other/WebMercatorQuad/5/{number}/1.png")
                assert answer.status_code == 502
                assert answer.headers["content-type"] == "application/problem+json"
                assert b"secret" not in answer.content and b"host.invalid" not in answer.content
            assert told.count == proxy.FAILURES
            notice = await client.get("/basemaps/other/WebMercatorQuad/5/1/1.png?notice=1")
            assert notice.status_code == 200 and notice.headers["content-type"] == "image/png"
            # It comes back by itself.
            told.behaviour = "good"
            app.failures["other"] = (proxy.FAILURES, 0.0)
            assert (await client.get("/basemaps/other/WebMercatorQuad/5/1/1.png")).status_code == 200
            assert app.failures == {}

    asyncio.run(scenario())


def test_many_askers_are_one_flight_and_files_are_kept():
    told = Upstream()
    one = upstream.Source(
        name="other",
        title="Other",
        service="wmts_kvp",
        url="http://host.invalid/wmts",
        projection="EPSG:3857",
        extent=(80.0, 35.0, 85.0, 40.0),
    )

    async def scenario():
        app = proxy.Proxy(transport=httpx.MockTransport(told))
        app.sources, app.read_at = {"other": one}, time.monotonic()
        x, _e, y, _s = SETS["WebMercatorQuad"].cover(8, (82, 37, 82, 37), margin=-1e-6)
        url = f"/basemaps/other/WebMercatorQuad/8/{x}/{y}.png"
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            answers = await asyncio.gather(*(client.get(url) for _number in range(20)))
            assert {answer.status_code for answer in answers} == {200} and told.count == 1
            assert (await client.get(url)).status_code == 200 and told.count == 1
            assert (await client.get(url.replace("WebMercatorQuad", "w"))).status_code == 200
            assert (await client.get("/basemaps/other/w/8/0/0.png")).content != answers[0].content
            assert told.count == 1  # outside its extent nobody is asked
            for path, status in (
                ("other/WorldCRS84Quad/8/1/1.png", 404),
                ("other/w/30/1/1.png", 404),
                ("other/w/8/x/1.png", 404),
                ("other", 404),
                ("nothing/w/8/1/1.png", 404),
            ):
                assert (await client.get(f"/basemaps/{path}")).status_code == status
            assert (await client.post(url)).status_code == 405

    asyncio.run(scenario())


@pytest.fixture
def proxied(services, transactional_db):
    """The proxy as it runs in the stream process, reading the table; gives its address."""
    from django.contrib.gis.geos import Polygon

    for kind, projection in (("wmts_kvp", "EPSG:4326"), ("wms_130", "EPSG:3857")):
        one = source(services, kind, projection)
        BaseMap.objects.create(
            name=f"other-{projection[5:]}",
            title="Other",
            **{
                name: getattr(one, name)
                for name in (
                    "service",
                    "url",
                    "key",
                    "layer",
                    "style",
                    "matrix_set",
                    "level_offset",
                    "projection",
                )
            },
            max_level=16,
            extent=Polygon.from_bbox((75, 30, 90, 45)),
        )
    config = uvicorn.Config(proxy.Proxy(), port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.mark.parametrize(("name", "matrix_set"), [("4326", "c"), ("4326", "WorldCRS84Quad"), ("3857", "w")])
def test_gdal_reads_our_wmts(proxied, tmp_path, name, matrix_set):
    url = f"{proxied}/basemaps/other-{name}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"
    dataset = f"WMTS:{url},layer=other-{name},tilematrixset={matrix_set}"
    subprocess.run(
        [
            *("gdal_translate", "-q", "-projwin_srs", "EPSG:4326", "-projwin", "84", "41", "86", "39"),
            *("-outsize", "200", "200", dataset, f"{tmp_path}/out.png", "-of", "PNG"),
        ],
        check=True,
        env={"PATH": "/usr/bin:/bin", "GDAL_HTTP_TIMEOUT": "20", "HOME": str(tmp_path)},
    )
    picture = Image.open(tmp_path / "out.png").convert("RGB")
    assert picture.getpixel((50, 150)) == RED
    for spot in ((150, 150), (50, 50), (150, 50)):
        assert picture.getpixel(spot) == WHITE
