"""Coordinate systems against vectors that five other libraries agree on, and against real roads."""

import csv
import time
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely

from geo import coordinates as c

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "data" / "coords" / "gcj_bd_vectors.csv"
# wgs lon, lat, gcj lon, lat, bd lon, lat: a few of the same vectors, so that the proof travels with the code.
FEW = np.array(
    [
        (88.08581, 47.74989, 88.08923518, 47.75125051, 88.09560058, 47.75748027),
        (81.25874, 40.43307, 81.26148509, 40.43356913, 81.26792687, 40.43967131),
        (104.95944, 25.08639, 104.96204568, 25.08335239, 104.96857952, 25.08922581),
        (72.004, 40, 72.00823856, 40.00023959, 72.01464458, 40.00644417),
        (72.0039999, 40, 72.00399990, 40.0, 72.01039766, 40.00621970),
    ]
)
GEOD = pyproj.Geod(ellps="WGS84")


def metres(lon, lat, lon2, lat2):
    return np.abs(GEOD.inv(lon, lat, lon2, lat2)[2])


def test_few_vectors_forward_and_back():
    lon, lat, glon, glat, blon, blat = FEW.T
    assert metres(*c.from_wgs84(lon, lat, "gcj02"), glon, glat).max() < 0.05
    assert metres(*c.from_wgs84(lon, lat, "bd09"), blon, blat).max() < 0.05
    assert metres(*c.to_wgs84(glon, glat, "gcj02"), lon, lat).max() < 0.5
    assert metres(*c.to_wgs84(blon, blat, "bd09"), lon, lat).max() < 0.5


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not beside this checkout")
def test_all_shared_vectors():
    with VECTORS.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name.endswith(("_lon", "_lat"))]
    column = {name: np.array([float(row[name]) for row in rows]) for name in names}
    lon, lat = column["wgs_lon"], column["wgs_lat"]
    glon, glat = column["gcj_lon"], column["gcj_lat"]
    assert len(rows) == 350
    assert metres(*c.from_wgs84(lon, lat, "gcj02"), glon, glat).max() < 0.05
    assert metres(*c.from_wgs84(lon, lat, "bd09"), column["bd_lon"], column["bd_lat"]).max() < 0.05
    x, y = c.to_wgs84(glon, glat, "gcj02")
    # On the box's edge an image has two origins, and other libraries take the other one or none.
    off = np.minimum(metres(x, y, lon, lat), metres(x, y, column["inverse_lon"], column["inverse_lat"]))
    assert off.max() < 0.5
    x, y = c.to_wgs84(column["bd_lon"], column["bd_lat"], "bd09")
    inner = np.array([not row["name"].startswith("bbox") for row in rows])
    assert metres(x, y, lon, lat)[inner].max() < 0.5


@pytest.mark.parametrize(
    "place", [(72.004, 40), (105, 0.8293), (72.006, 40), (105.0, 35.0), (137.8347, 55.8271), (0, 90)]
)
@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_inverse_always_ends(place, crs):
    started = time.perf_counter()
    lon, lat = c.to_wgs84(*place, crs)
    assert time.perf_counter() - started < 0.5
    assert metres(lon, lat, *place) < 1500


def test_the_gap_behind_the_edge_takes_the_nearest_image():
    for place in ((72.004, 40), (105, 0.8293)):
        back = c.from_wgs84(*c.to_wgs84(*place, "gcj02"), "gcj02")
        assert metres(*back, *place) < 0.5


def test_round_trip_of_many_points():
    generator = np.random.default_rng(1)
    lon, lat = generator.uniform(73.5, 135, 200_000), generator.uniform(18, 53.5, 200_000)
    for crs in ("gcj02", "bd09"):
        x, y = c.to_wgs84(*c.from_wgs84(lon, lat, crs), crs)
        assert metres(x, y, lon, lat).max() < 0.001


def test_gauss_kruger_and_its_zones():
    lon, lat = 83.9, 39.5
    east, north = c.from_wgs84(lon, lat, 4537)
    assert 480_000 < east < 500_000 and 4_370_000 < north < 4_380_000
    assert c.to_wgs84(east, north, "EPSG:4537") == pytest.approx((lon, lat), abs=1e-9)
    zoned = c.from_wgs84(lon, lat, "epsg:4516")
    assert zoned[0] == pytest.approx(28_000_000 + east, abs=0.001)
    assert c.to_wgs84(*zoned, 4516) == pytest.approx((lon, lat), abs=1e-9)
    assert {c.GAUSS_KRUGER["EPSG:4547"], c.GAUSS_KRUGER["EPSG:4549"]} == {114, 120}


def test_cgcs2000_keeps_its_numbers_and_its_label():
    assert c.to_wgs84(83.9, 39.5, "cgcs2000") == (83.9, 39.5)
    assert [c.crs_name(name) for name in (4490, "EPSG:4326", "GCJ-02")] == ["cgcs2000", "wgs84", "gcj02"]


def test_scalars_stay_scalars_and_arrays_arrays():
    assert all(type(value) is float for value in c.to_wgs84(116.4, 39.9, "bd09"))
    lon, lat = c.to_wgs84([116.4, 117], [39.9, 40], "gcj02")
    assert lon.shape == lat.shape == (2,)
    assert all(array.size == 0 for array in c.to_wgs84([], [], "gcj02"))


@pytest.mark.parametrize(
    ("pair", "crs", "said"),
    [
        ((39.9, 116.4), "wgs84", "swapped"),
        ((200, 39), "wgs84", "-180"),
        ((float("nan"), 39), "gcj02", "finite"),
        (("east", 39), "wgs84", "numbers"),
        ((116, 39), "epsg:9999", "gcj02, bd09"),
        ((116, 39), "mars", "mars"),
        ((4_373_000, 491_000), 4537, "easting comes first"),
        ((28_491_000, 4_373_000), 4537, "EPSG:4516"),
        ((1_491_000, 4_373_000), 4537, "1000000"),
    ],
)
def test_errors_say_what_would_be_right(pair, crs, said):
    from django.utils.translation import override

    with override("en"), pytest.raises(c.CoordinateError, match=said):
        c.to_wgs84(*pair, crs)


def test_geometries_of_any_kind_and_crs():
    square = shapely.box(116.3, 39.8, 116.5, 40.0)
    moved = c.geometries_to_wgs84(square, "gcj02")
    assert 400 < metres(116.4, 39.9, moved.centroid.x, moved.centroid.y) < 700
    mercator = c.geometries_to_wgs84(shapely.Point(12_000_000, 4_800_000), 3857)
    assert mercator.x == pytest.approx(107.798, abs=0.001)
    with pytest.raises(c.CoordinateError):
        c.geometries_to_wgs84(square, "EPSG:999999")


@pytest.fixture
def streets():
    """A town's straight streets, every 300 m, in WGS-84."""
    across = [(lon, 39.90, lon, 39.95) for lon in 116.30 + 0.0035 * np.arange(12)]
    along = [(116.30, lat, 116.34, lat) for lat in 39.90 + 0.0027 * np.arange(18)]
    return np.array([shapely.LineString([(a, b), (c, d)]) for a, b, c, d in across + along])


@pytest.mark.parametrize("truth", ["wgs84", "gcj02", "bd09"])
@pytest.mark.parametrize("declared", ["wgs84", "gcj02", "bd09"])
def test_probable_datum_is_told_and_never_applied(streets, truth, declared):
    lon, lat = c.boundary_points(streets, every=100)
    lon, lat = c.from_wgs84(lon, lat, truth)
    guess = c.probable_datum(lon, lat, streets, declared)
    assert guess.probable == truth
    assert guess.suspicious == (truth != declared) == bool(guess.warning)
    if truth != declared:
        assert truth in guess.warning


def test_probable_datum_by_the_same_codes_and_by_the_city():
    generator = np.random.default_rng(2)
    lon, lat = generator.uniform(116.3, 116.32, 300), generator.uniform(39.9, 39.92, 300)
    shifted = c.from_wgs84(lon, lat, "gcj02")
    guess = c.probable_datum(*shifted, shapely.points(lon, lat), paired=True)
    assert guess.probable == "gcj02" and guess.residuals["gcj02"] < 0.1 and guess.residuals["wgs84"] > 300
    town = shapely.box(116.3, 39.9, 116.32, 39.92)
    assert c.probable_datum(*shifted, town).suspicious
    assert not c.probable_datum(lon, lat, town).suspicious
    assert not c.probable_datum([], [], town).suspicious


def test_borders_in_metres_are_sampled_like_those_in_degrees():
    """A city's outline in a projected system is some thousand points, not some hundred million."""
    square = shapely.box(83.9, 39.5, 83.95, 39.55)
    metric = shapely.transform(square, lambda xy: np.column_stack(c.from_wgs84(xy[:, 0], xy[:, 1], 4537)))
    lon, lat, datum = c.declared_borders(np.array([metric]), 4537)
    assert datum == c.CGCS2000 and 300 < lon.size < 600
    assert abs(lon - 83.925).max() < 0.0251 and abs(lat - 39.525).max() < 0.0251
    assert c.declared_borders(np.array([square]), "gcj02")[2] == c.GCJ02
