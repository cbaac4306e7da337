"""Areas and grids through the API, as they are and as they were."""

from datetime import timedelta

import pytest
import shapely
from django.utils import timezone
from rest_framework.test import APIClient

from geo.models import Area
from grids.models import GridVersion, UnitGridVersion
from grids.publication import Border, NewBorders, publish, to_shapely
from tests.factories import make_user

pytestmark = pytest.mark.django_db

HOME = "990101001001"


@pytest.fixture
def client(city):
    """Grids of the first community became one today."""
    yesterday = timezone.localdate() - timedelta(days=400)
    for versions in (GridVersion, UnitGridVersion):
        versions.objects.update(valid_from=yesterday)
    outline = to_shapely(Area.objects.get(code=HOME).geom)
    publish([NewBorders(HOME, {f"{HOME}009": Border(shapely.get_parts(outline)[0], "新")}, outline)])
    return APIClient()


def codes(client, url):
    return [row["code"][-3:] for row in client.get(url).json()["results"]]


def test_grids_now_and_then(client, django_assert_num_queries):
    before = (timezone.localdate() - timedelta(days=1)).isoformat()
    assert codes(client, f"/api/grids/?area={HOME}") == ["009"]
    assert codes(client, f"/api/grids/?area={HOME}&at={before}") == ["001", "002", "003", "004"]
    assert codes(client, f"/api/grids/?area={HOME}&at=2000-01-01") == []
    box = "83.9001,39.5001,83.9002,39.5002"
    assert codes(client, f"/api/grids/?bbox={box}&at={before}") == ["001"]
    assert codes(client, f"/api/grids/?bbox={box}") == ["009"]
    body = client.get(f"/api/grids/{HOME}001/?at={before}&format=geojson").json()
    assert body["geometry"]["type"] == "Polygon" and body["properties"]["valid_to"] == str(
        timezone.localdate()
    )
    assert client.get(f"/api/grids/{HOME}001/").status_code == 404
    assert client.get("/api/grids/?at=gestern").status_code == 400
    with django_assert_num_queries(2):
        client.get("/api/grids/")


def test_areas(client, django_assert_num_queries):
    with django_assert_num_queries(2):
        page = client.get("/api/areas/?area=990101&level=street").json()
    assert [row["code"] for row in page["results"]] == ["990101001", "990101002"]
    assert page["results"][0]["parent"] == "990101" and "geometry" not in page["results"][0]
    assert client.get("/api/areas/9901/").json()["geometry"]["type"] == "MultiPolygon"
    assert client.get("/api/areas/?at=2000-01-01").json()["results"] == []


def test_unit_grids_are_for_staff(client):
    assert client.get("/api/unit-grids/").status_code in (401, 403)
    client.force_authenticate(make_user(role="leader", area="9901"))
    assert len(codes(client, f"/api/unit-grids/?area={HOME}")) == 16
