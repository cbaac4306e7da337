"""One case on one page: in every flow, for whoever may see it, with what can be done now."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases import children, flow
from cases.models import Case, Supervision
from cases.pages.sheet import deadlines
from geo.models import User
from tests.cases.people import HERE, case_in, make_people
from tests.cases.test_desk_lists import add_photo
from tests.factories import make_case, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(city):
    return make_people()


def sheet(client, user, case, status=200, **headers) -> str:
    client.force_login(User.objects.get(pk=user.pk))
    answer = client.get(reverse("case-sheet", args=[case.number]), headers=headers)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (flow.CITY, "reported"),
        (flow.CITY, "handling"),
        (flow.CITY, "suspended"),
        (flow.CITY, "closed"),
        (flow.LETTER, "at_community"),
        (flow.LETTER, "archived"),
        (flow.COMPLAINT, "received"),
        (flow.COMPLAINT, "closed"),
    ],
)
def test_each_flow_has_its_page(client, people, name, state):
    case = make_case(HERE, flow=name, state=state, holder_unit=people.unit, description="路面积水")
    page = sheet(client, people.lead, case)
    assert case.number in page and "路面积水" in page and 'id="map"' in page
    assert ('id="now"' in page) == case.is_open
    # After something was done the parts are fetched without the frame around them.
    assert "<html" not in sheet(client, people.lead, case, **{"HX-Target": "sheet"})


def test_a_letter_without_a_type_says_what_it_is_about(client, people):
    case = make_case(HERE, flow=flow.LETTER, state="at_community", type=None, description="路面积水")
    page = sheet(client, people.lead, case)
    # Its words are the headline, and are not said again below it.
    body = page[page.index('id="sheet"') :]
    assert body.count("路面积水") == 1
    assert client.get(f"/api/cases/{case.number}/").json()["type_name"] == ""
    row = client.get("/?view=all").content.decode().split(f'id="row-{case.number}"')[1].split("</li>")[0]
    assert "路面积水" in row and "民情信件" in row


def test_only_who_may_see_it(client, people):
    case = case_in("handling", people)
    for user in (people.other_dispatcher, people.other_department):
        sheet(client, user, case, status=404)
    sheet(client, make_user(role="system_admin"), case, status=403)
    reporter = make_user("报告人甲")
    Case.objects.filter(pk=case.pk).update(reporter=reporter, holder_unit=people.unit)
    assert "报告人甲" not in sheet(client, people.department, case)
    assert "报告人甲" in sheet(client, people.dispatcher, case)


def test_what_can_be_done_and_until_when(client, people):
    due = timezone.now() + timedelta(hours=5)
    case = case_in("handling", people, due_at=due, handle_due_at=due)
    page = sheet(client, people.department, case)
    act = reverse("case-act", args=[case.number, "report_handled"])
    assert f'hx-get="{act}"' in page and timezone.localtime(due).strftime("%Y-%m-%d %H:%M") in page
    assert act not in sheet(client, people.leader, case)


def test_parts_orders_photos_and_the_way_in(client, people, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    case = case_in("filed", people)
    (part,) = children.split(case.number, people.dispatcher, [(people.unit, "抽水")])
    order = Supervision.objects.create(
        case=case,
        level=1,
        number="D99010120260101009",
        unit=people.unit,
        at=timezone.now(),
        reply_due_at=timezone.now() + timedelta(days=1),
        area_code=case.area_code,
    )
    photos = [add_photo(case, people.lead, phase) for phase in ("report", "handle")]
    page = sheet(client, people.lead, case)
    assert reverse("case-sheet", args=[part.number]) in page and order.number in page
    pair = page[page.index("photo-pair") :].split("</div>")[0]
    assert all(f"/{uuid}/shown" in pair for uuid in photos)
    assert case.number in sheet(client, people.lead, part)
    drawer = client.get(reverse("case-page", args=[case.number]), headers={"HX-Target": "drawer"})
    assert reverse("case-sheet", args=[case.number]) in drawer.content.decode()


def test_deadlines_tell_what_was_in_time(people):
    now = timezone.now()
    case = make_case(
        HERE,
        state="closed",
        handle_due_at=now - timedelta(days=3),
        handled_at=now - timedelta(days=1),
        close_due_at=now,
        closed_at=now - timedelta(hours=1),
    )
    handling, closing = deadlines(case)
    assert (handling["tone"], closing["tone"], closing["runs"]) == ("overdue", "ontime", False)
    checked = make_case(HERE, state="reported", due_at=now)
    assert [row["runs"] for row in deadlines(checked)] == [True]


def test_the_number_of_questions_stays(client, people, django_assert_num_queries):
    case = case_in("handling", people)
    address = reverse("case-sheet", args=[case.number])
    client.force_login(User.objects.get(pk=people.lead.pk))

    def more():
        Supervision.objects.create(
            case=case,
            level=0,
            number=f"D9901{Supervision.objects.count():09d}",
            unit=people.unit,
            at=timezone.now(),
            area_code=case.area_code,
        )
        make_case(HERE, state="handling", parent=case, holder_unit=people.other_unit)

    more()
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _again in range(4):
        more()
    with django_assert_num_queries(len(few)):
        client.get(address)
