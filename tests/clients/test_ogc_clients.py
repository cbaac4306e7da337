"""Foreign readers of our services: GDAL and OWSLib."""

import json
import subprocess

import pytest

from assets.models import ReferenceLine
from grids.models import Grid
from tests import factories
from tests.tiles.test_vector_tiles import MIDDLE, tile_at
from tiles import code_tables

pytestmark = pytest.mark.clients
PASSWORD = "a long password"


@pytest.fixture
def site(transactional_db, roles, live_server):
    from django.contrib.gis.geos import LineString

    factories.make_city()
    code_tables.load()
    user = factories.make_user("gdal", role="leader", area="9901")
    user.set_password(PASSWORD)
    user.save()
    for number in range(12):
        factories.make_component(factories.at(number / 4 + 0.1, 0.5 + number % 2))
    ReferenceLine.objects.create(
        code="R1",
        kind="road",
        rank=1,
        width_m=60,
        geom=LineString((83.89, 39.5101), (83.94, 39.5101), srid=4326),
    )
    return live_server.url


def gdal(*arguments, user=False, **environment):
    env = {"PATH": "/usr/bin:/bin", "GDAL_HTTP_TIMEOUT": "30", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ""}
    if user:
        env |= {"GDAL_HTTP_AUTH": "BASIC", "GDAL_HTTP_USERPWD": f"gdal:{PASSWORD}"}
    done = subprocess.run(
        arguments, capture_output=True, text=True, env=env | environment, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_gdal_reads_features(site, tmp_path):
    anonymous = gdal("ogrinfo", "-ro", "-q", f"OAPIF:{site}/ogc")
    assert "grids" in anonymous and "components" not in anonymous
    assert f"Feature Count: {Grid.objects.count()}" in gdal(
        "ogrinfo", "-ro", "-so", f"OAPIF:{site}/ogc", "grids"
    )
    listed = gdal("ogrinfo", "-ro", "-q", f"OAPIF:{site}/ogc", user=True)
    assert "components" in listed and "cases" in listed
    gdal(
        *("ogr2ogr", "-f", "GeoJSON", f"{tmp_path}/out.json", f"OAPIF:{site}/ogc", "components"),
        *("-oo", "PAGE_SIZE=5", "-spat", "83.9", "39.5", "83.915", "39.52"),
        user=True,
    )
    found = json.loads((tmp_path / "out.json").read_text())["features"]
    assert len(found) == 6  # two pages
    assert all(83.9 <= f["geometry"]["coordinates"][0] <= 83.915 for f in found)


@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "WorldCRS84Quad"])
def test_gdal_reads_vector_tiles(site, tmp_path, matrix_set):
    z, x, y = tile_at(matrix_set, 14, *MIDDLE)
    tile = tmp_path / str(z) / str(x) / f"{y}.pbf"
    tile.parent.mkdir(parents=True)
    import urllib.request

    tile.write_bytes(urllib.request.urlopen(f"{site}/tiles/grids/{matrix_set}/{z}/{x}/{y}.mvt").read())
    text = gdal(
        "ogrinfo", "-ro", "-al", "-so", f"MVT:{tile}", "-oo", f"X={x}", "-oo", f"Y={y}", "-oo", f"Z={z}"
    )
    assert "Layer name: grids" in text and "kind: String" in text
    if matrix_set == "WebMercatorQuad":
        extent = next(line for line in text.splitlines() if line.startswith("Extent:"))
        assert "(9339" in extent or "(934" in extent  # metres of EPSG:3857 around 83.9 E


@pytest.mark.parametrize("matrix_set", ["c", "w", "WorldCRS84Quad", "WebMercatorQuad"])
def test_gdal_reads_the_base_map(site, tmp_path, matrix_set):
    from PIL import Image

    url = f"{site}/basemaps/city/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"
    dataset = f"WMTS:{url},layer=city,tilematrixset={matrix_set}"
    assert "Driver: WMTS" in gdal("gdalinfo", dataset, HOME=str(tmp_path))
    gdal(
        *(
            "gdal_translate",
            "-q",
            "-projwin_srs",
            "EPSG:4326",
            "-projwin",
            "83.91",
            "39.5151",
            "83.92",
            "39.5051",
        ),
        *("-outsize", "256", "256", "-of", "PNG", dataset, f"{tmp_path}/out.png"),
        HOME=str(tmp_path),
    )
    picture = Image.open(tmp_path / "out.png").convert("RGB")
    # The road runs through the middle, from side to side.
    for column in (20, 128, 236):
        red, _green, blue = picture.getpixel((column, 128))
        assert red - blue > 15, (column, picture.getpixel((column, 128)))
    assert abs(picture.getpixel((128, 20))[0] - picture.getpixel((128, 20))[2]) < 15


def test_owslib_reads_features_and_wmts(site):
    from owslib.ogcapi.features import Features
    from owslib.wmts import WebMapTileService

    service = Features(f"{site}/ogc/")
    assert set(service.feature_collections()) == {"areas", "grids", "service_centers", "public_facilities"}
    assert any("ogcapi-features-1/1.0/conf/core" in one for one in service.conformance()["conformsTo"])
    page = service.collection_items("grids", bbox=[83.9, 39.5, 83.904, 39.504], limit=10)
    assert page["numberMatched"] == 1
    code = page["features"][0]["id"]
    assert service.collection_item("grids", code)["properties"]["code"] == code
    assert "code" in service.collection_queryables("grids")["properties"]
    assert service.api()["openapi"].startswith("3.0")

    wmts = WebMapTileService(f"{site}/basemaps/city/wmts")
    assert set(wmts["city"].tilematrixsetlinks) == {"c", "w", "WorldCRS84Quad", "WebMercatorQuad"}
    matrix = wmts.tilematrixsets["c"].tilematrix["16"]
    assert (matrix.matrixwidth, matrix.matrixheight) == (2**16, 2**15)
    z, x, y = tile_at("WorldCRS84Quad", 15, *MIDDLE)
    picture = wmts.gettile(
        layer="city", tilematrixset="c", tilematrix=str(z + 1), row=y, column=x, format="image/png"
    )
    assert picture.read().startswith(b"\x89PNG")
