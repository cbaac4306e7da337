"""The residents' map, what is near, QR plates: nothing of persons, bounded, within scope."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import PublicFacility, ServiceCenter
from cases.models import PublicCount
from cases.public import queries
from cases.public.desk import plates
from tests.cases.public_site import HERE, resident, topic
from tests.factories import at, make_case, make_component, make_type, make_unit, make_user

pytestmark = pytest.mark.django_db
BOX = "83.89,39.49,83.94,39.53"


@pytest.fixture(autouse=True)
def no_cache():
    cache.clear()
    yield
    cache.clear()


def features(browser=None, bbox=BOX):
    answer = (browser or resident()).get("/public/map/data/", {"bbox": bbox})
    assert answer.status_code == 200
    return answer, answer.json()["features"]


def test_the_map_shows_kind_place_and_state_and_no_more(city):
    unit = make_unit("内部单位")
    case = make_case(
        HERE,
        type=topic().type,
        state="dispatched",
        holder_unit=unit,
        description="张三家门口",
        address="3 号楼",
    )
    home = make_type(kind="event", class_code="02", type_code="06", name="违规牌匾标识")
    home.names_a_home = True
    home.save()
    shop = make_case(at(0.1, 0.1), type=home, state="reported")
    person = make_type(kind="event", class_code="04", type_code="03", name="流浪乞讨")
    person.no_photo = True
    person.save()
    make_case(HERE, type=person, state="reported")
    make_case(HERE, type=topic().type, flow="letter", state="found")
    answer, found = features()
    by_number = {one["properties"]["number"]: one for one in found}
    assert set(by_number) == {case.number, shop.number}
    text = answer.content.decode()
    for hidden in ("张三", "3 号楼", "内部单位", "reporter", "holder"):
        assert hidden not in text
    assert by_number[case.number]["geometry"]["coordinates"] == [HERE.x, HERE.y]
    assert by_number[shop.number]["geometry"]["coordinates"] != [at(0.1, 0.1).x, at(0.1, 0.1).y]
    assert answer["Cache-Control"] == "public, max-age=60"


def test_the_map_is_the_same_for_a_minute_and_asks_little(city):
    make_case(HERE, type=topic().type, state="reported")
    features()
    with CaptureQueriesContext(connection) as asked:
        _answer, found = features(bbox="83.891,39.491,83.939,39.529")  # the same cells
    assert len(found) == 1 and len(asked) <= 2  # counting, nothing else
    for number in range(6):
        make_case(at(0.3, 0.1 + number / 100), type=topic().type, state="reported")
    assert len(features()[1]) == 1
    cache.clear()
    with CaptureQueriesContext(connection) as few:
        assert len(features()[1]) == 7
    assert len(few) <= 8


def test_a_box_must_be_one(city):
    browser = resident()
    for bbox in ("", "a,b,c,d", "84,39,83,40", "1,1,2", "0,0,90,45"):
        assert browser.get("/public/map/data/", {"bbox": bbox}).status_code in (400, 422), bbox


def facilities():
    for number, (x, kind) in enumerate(((0.3, "toilet"), (0.5, "park"), (0.9, "toilet"))):
        PublicFacility.objects.create(
            code=f"f{number}", name=f"设施{number}", kind=kind, geom=at(x, 0.2), opening_hours="全天"
        )
    ServiceCenter.objects.create(
        code="c1", name="甲服务站", level="community", geom=at(0.4, 0.2), phone="0571-88001234"
    )
    kind = make_type(class_code="03", type_code="01", name="公共厕所")
    plain = make_component(at(0.6, 0.2), type=kind, name="街角公厕")
    known = make_component(at(0.3, 0.2), type=kind, name="重复公厕")
    PublicFacility.objects.filter(code="f0").update(component=known)
    make_component(at(0.2, 0.2), type=kind, name="已拆公厕", state="removed")
    return plain


def test_the_nearest_first_in_one_statement(city):
    facilities()
    with CaptureQueriesContext(connection) as asked:
        found = queries.nearest_places(HERE)
    assert [one.name for one in found] == ["设施0", "甲服务站", "设施1", "街角公厕", "设施2"]
    assert found == sorted(found, key=lambda one: one.metres)
    assert abs(found[0].metres - 86) < 2
    assert len([one for one in asked.captured_queries if "<->" in one["sql"]]) == 1
    assert [one.name for one in queries.nearest_places(HERE, ("toilet",))] == ["设施0", "街角公厕", "设施2"]
    assert len(queries.nearest_places(HERE, limit=2)) == 2


def test_a_position_comes_in_the_body_and_is_kept_nowhere(city):
    facilities()
    browser = resident()
    page = browser.post("/public/nearby/", {"lon": HERE.x, "lat": HERE.y, "kind": ["center"]})
    assert "甲服务站" in page.content.decode() and "tel:0571-88001234" in page.content.decode()
    assert "设施0" not in page.content.decode()
    # In an address it is not even read.
    assert not browser.get("/public/nearby/", {"lon": HERE.x, "lat": HERE.y}).context["asked"]
    assert "83.90" not in str(list(PublicCount.objects.values()))
    around = browser.get("/public/nearby/", {"area": "990101001", "kind": "toilet"})
    assert [one.kind for one in around.context["places"]] == ["toilet"] * 3


def test_plates_for_what_one_may_export(city, client):
    inside = [make_component(at(0.2 + number / 50, 0.2)) for number in range(30)]
    outside = make_component(at(2.5, 0.5))
    steward = make_user(role="data_steward", area="990101")
    said = {"codes": "", "area": "9901", "type": inside[0].type}
    assert {one.pk for one in plates.chosen(steward, said)} == {one.pk for one in inside}
    client.force_login(steward)
    page = client.get("/public-desk/plates/", {"codes": inside[0].code})
    assert inside[0].code in page.content.decode()
    answer = client.post("/public-desk/plates/", {"codes": " ".join(one.code for one in inside)})
    assert answer["Content-Type"] == "application/pdf" and answer.content[:5] == b"%PDF-"
    assert len(re.findall(rb"/Type /Page\b(?!s)", answer.content)) == 2  # 24 on a sheet
    refused = client.post("/public-desk/plates/", {"codes": outside.code})
    assert refused.status_code == 200 and "没有符合条件" in refused.content.decode()
    client.force_login(make_user(role="dispatcher", area="9901"))
    assert client.get("/public-desk/plates/").status_code == 403


def test_a_plate_s_code_says_the_address(city):
    import segno

    lamp = make_component(HERE)
    address = f"https://city.example/public/c/{lamp.code}/"
    assert segno.make(address, error="m", micro=False).matrix  # as the sheet draws it
    assert plates.sheet([lamp], "https://city.example")[:5] == b"%PDF-"
