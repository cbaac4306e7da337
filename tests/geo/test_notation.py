"""Coordinate pairs as people write them."""

import pytest

from geo.coordinates import from_wgs84
from geo.notation import read_pair

PLACE = (83.9025, 39.5025)


@pytest.mark.parametrize(
    "text",
    [
        "83.9025,39.5025",
        "83.9025 39.5025",
        "39.5025, 83.9025",
        "39.5025，83.9025",
        "(83.9025, 39.5025)",
        "39.5025N 83.9025E",
        "N39.5025 E83.9025",
        "83.9025E,39.5025N",
        "39°30′09″N 83°54′09″E",
        "83°54'9\"E 39°30'9\"N",
        "北纬39.5025° 东经83.9025°",
        "东经83度54分9秒，北纬39度30分9秒",
        "lat=39.5025 lon=83.9025",
        "lon: 83.9025, lat: 39.5025",
        "wgs84:83.9025,39.5025",
        "cgcs2000 83.9025 39.5025",
    ],
)
def test_notations_of_one_place(text):
    lon, lat, _crs = read_pair(text)
    assert (lon, lat) == pytest.approx(PLACE, abs=1e-6)


def test_shifted_systems_are_named_in_front():
    lon, lat = from_wgs84(*PLACE, "gcj02")
    for word in ("gcj02:", "高德 "):
        found = read_pair(f"{word}{lon:.7f},{lat:.7f}")
        assert found[:2] == pytest.approx(PLACE, abs=1e-5) and found[2] == "gcj02"


def test_metres_of_the_city(settings):
    easting, northing = from_wgs84(*PLACE, f"EPSG:{settings.CITY_SRID}")
    for text in (f"{easting:.3f},{northing:.3f}", f"{northing:.3f} {easting:.3f}"):
        assert read_pair(text)[:2] == pytest.approx(PLACE, abs=1e-6)


def test_the_south_and_the_west_are_negative():
    assert read_pair("33.5S 70.6W")[:2] == (-70.6, -33.5)
    assert read_pair("-70.6,-33.5")[:2] == (-70.6, -33.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "83.9",
        "A99010120260101",
        "建设路 12 号",
        "12 号楼 3",
        "1.5,2,3",
        "200.5,100",
        "9901010101000001",
        "12 3",
    ],
)
def test_other_texts_are_no_pair(text):
    assert read_pair(text) is None
