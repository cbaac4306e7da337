"""What the desk looks for many times a day, and the problem beside the work done."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from cases import bulk, flow, queries
from cases.filters import ORDERS, QUICK, Filters, page
from cases.models import Case, CaseAttachment, Rating
from geo.models import Attachment
from tests.cases.people import HERE
from tests.factories import make_case, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(city):
    return make_user("值班长", role="shift_lead", area="9901")


def found(user, **params) -> set[str]:
    filters = Filters.read({"view": "all", **params}, user)
    return set(
        filters.tab(filters.narrow(Case.objects.for_user(user)), user).values_list("number", flat=True)
    )


def rated(**values) -> str:
    case = make_case(HERE, state="closed")
    Rating.objects.create(case=case, at=timezone.now(), **values)
    return case.number


def test_not_satisfied(lead):
    make_case(HERE)
    rated(kind="outer", stars=3)
    rated(kind="inner", stars=1)
    rated(kind="call_back", contacted=False)
    rated(kind="call_back", contacted=True, solved=True, satisfied=True)
    wanted = {
        rated(kind="outer", stars=2),
        rated(kind="call_back", contacted=True, solved=True, satisfied=False),
        rated(kind="call_back", contacted=True, solved=False, satisfied=True),
        make_case(HERE, flow=flow.COMPLAINT, state="dissatisfied", complaint_kind="help").number,
    }
    assert found(lead, mark="discontent") == wanted
    # With another mark both must hold.
    assert found(lead, mark="discontent,urgent") == set()
    other = make_user("别区", role="shift_lead", area="990102")
    assert found(other, mark="discontent") == set()


def test_quick_filters(lead):
    now, unit = timezone.now(), make_unit()

    def handling(**values):
        return make_case(HERE, state="handling", holder_unit=unit, **values)

    cases = {
        "supervised": handling(supervised=True),
        "difficult": handling(difficult=True),
        "overdue": handling(handle_due_at=now - timedelta(days=2), due_at=now - timedelta(days=2)),
        "today": handling(due_at=now),
    }
    for name, value, _label in QUICK:
        if value == "discontent":
            continue
        assert cases[value].number in found(lead, **{name: value}), value
    assert found(lead, due="overdue") == {cases["overdue"].number}


def test_a_press_turns_on_and_off_and_keeps_the_rest(lead):
    filters = Filters.read({"view": "unit", "mark": "urgent,supervised", "due": "today"})
    supervised, difficult, _discontent, today, overdue = filters.quick()
    assert [one["on"] for one in filters.quick()] == [True, False, False, True, False]
    assert "mark=urgent&" in supervised["query"] + "&" and "view=unit" in supervised["query"]
    assert "mark=urgent,supervised,difficult" in difficult["query"]
    assert "due=" not in today["query"] and "due=overdue" in overdue["query"]


def test_on_the_page(client, lead):
    client.force_login(lead)
    page = client.get("/?view=all&mark=difficult").content.decode()
    assert "mark=difficult,supervised" in page.replace("%2C", ",") and "督办" in page and "不满意" in page


def test_the_list_goes_by_index(lead):
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
    assert "cases_rating_bad" in Filters.read({"mark": "discontent"}).narrow(Case.objects.all()).explain()


def pages(sort: str, size: int) -> list[str]:
    """All rows, page by page."""
    found, after = [], ""
    while True:
        rows, after = page(Filters.read({"sort": sort}).narrow(ordered(sort)), sort, after, size)
        found += [case.number for case in rows]
        if not after:
            return found


def ordered(sort: str):
    return Case.objects.order_by(*ORDERS[sort])


def test_what_is_supervised_and_not_done_stands_on_top(client, lead):
    now, unit = timezone.now(), make_unit()
    hours = [3, 1, None, 2, 5, 4]
    cases = [
        make_case(
            HERE,
            state="handling",
            holder_unit=unit,
            due_at=hour and now + timedelta(hours=hour),
            supervised=at in (0, 4),
        )
        for at, hour in enumerate(hours)
    ]
    done = make_case(HERE, state="closed", supervised=True)
    by_due = [cases[at].number for at in (0, 4, 1, 3, 5, 2)] + [done.number]
    # However the pages fall, nothing doubles and nothing is left out.
    for size in (1, 2, 3, 4, 7, 9):
        assert pages("due", size) == by_due, size
    newest = pages("new", 3)
    assert set(newest[:2]) == set(by_due[:2]) and len(set(newest)) == 7
    assert pages("changed", 3)[0] == done.number
    client.force_login(lead)
    shown = client.get("/?view=unit").content.decode()
    first = shown[shown.index(f'id="row-{by_due[0]}"') :].split("</li>")[0]
    assert first.count("督办") == 1 and shown.index(by_due[1]) < shown.index(by_due[2])
    assert [case.number for case in bulk.chosen(lead, by_due)][:2] == by_due[:2]


def test_the_top_of_the_list_goes_by_index(lead):
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("set local enable_sort = off")
    rows = Case.objects.for_user(lead).order_by(*ORDERS["due"])
    assert "cases_case_urged" in rows.filter(queries.urged())[:51].explain()
    assert "cases_case_by_due" in rows.exclude(queries.urged())[:51].explain()


def add_photo(case, user, phase: str) -> str:
    row = Attachment.objects.create(owner=user, media_type="image/jpeg", sha256="0" * 64, size=1)
    row.thumbnail.save(f"{row.uuid}.webp", ContentFile(b"x"))
    row.shown.save(f"{row.uuid}.webp", ContentFile(b"x"))
    CaseAttachment.objects.create(case=case, attachment=row, phase=phase)
    return str(row.uuid)


def test_before_and_after_side_by_side(client, lead, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    case = make_case(HERE, state="handled")
    client.force_login(lead)

    def drawer() -> str:
        return client.get(
            reverse("case-page", args=[case.number]), headers={"HX-Target": "drawer"}
        ).content.decode()

    before = add_photo(case, lead, "report")
    assert "photo-pair" not in drawer()
    add_photo(case, lead, "handle")
    after = add_photo(case, lead, "handle")
    page = drawer()
    pair = page[page.index("photo-pair") :].split("</div>")[0]
    assert pair.index(before) < pair.index(after) and "处置前" in pair and "处置后" in pair
    # The pair is not shown a second time among the others.
    assert page.split('<dl class="facts">')[0].count(before) == 2
