"""Exports: within the right to take away, made by a job, fetched by the owner alone."""

import io

import openpyxl
import pytest
from django.urls import reverse

from cases import exports
from geo.models import Notice, Output
from geo.problems import Problem
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(city):
    return factories.make_user("值班长", role="shift_lead", area="990101")


def wanted(client, user, **filters):
    client.force_login(user)
    answer = client.post(reverse("console-export"), filters)
    assert answer.status_code == 202, answer.content
    return Output.objects.get(pk=answer.json()["id"])


def sheet_of(output) -> list[tuple]:
    book = openpyxl.load_workbook(io.BytesIO(output.file.open("rb").read()))
    return list(book.active.iter_rows(values_only=True))


def test_a_workbook_within_scope_and_a_notice(client, lead, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    inside = factories.make_case(factories.at(0.2, 0.2), state="reported", description="=1+1")
    factories.make_case(factories.at(2.5, 0.5), state="reported")
    output = wanted(client, lead, view="all")
    exports.write_cases(output.pk, {"view": "all"})
    output.refresh_from_db()
    assert (output.state, output.all_rows) == ("ready", 1)
    rows = sheet_of(output)
    assert rows[1][0] == inside.number
    # A spreadsheet must not take what a resident wrote for a formula.
    assert rows[1][5] == "'=1+1"
    assert Notice.objects.get(user=lead).url == reverse("outputs")
    # A second run after a crash changes nothing.
    exports.write_cases(output.pk, {"view": "all"})
    assert Notice.objects.filter(user=lead).count() == 1

    address = reverse("output-file", args=[output.uuid])
    assert client.get(address)["Content-Disposition"].startswith("attachment")
    client.force_login(factories.make_user("别人", role="shift_lead", area="9901"))
    assert client.get(address).status_code == 404


def test_seeing_is_not_taking_away(client, city):
    acceptor = factories.make_user("受理员", role="acceptor", area="9901")
    client.force_login(acceptor)
    assert client.post(reverse("console-export"), {"view": "all"}).status_code == 403


def test_cancelled_and_failed_ones_say_so(client, lead, monkeypatch):
    factories.make_case(factories.at(0.2, 0.2), state="reported")
    output = wanted(client, lead, view="all")
    client.post(reverse("output-cancel", args=[output.pk]))
    exports.write_cases(output.pk, {"view": "all"})
    output.refresh_from_db()
    assert output.state == "cancelled" and not output.file

    other = wanted(client, lead, view="all")

    def broken(*_given):
        raise Problem("没有空间")

    monkeypatch.setattr(exports, "_rows", broken)
    with pytest.raises(Problem):
        exports.write_cases(other.pk, {"view": "all"})
    other.refresh_from_db()
    assert (other.state, other.problem) == ("failed", "没有空间")


def test_messages_are_one_person_s(client, lead):
    Notice.objects.create(user=lead, title="文件已备好")
    client.force_login(lead)
    assert b"data-message-count>1<" in client.get(reverse("outputs")).content
    found = client.get(reverse("desk-messages")).json()["messages"]
    assert [one["title"] for one in found] == ["文件已备好"]
    assert b"data-message-count><" in client.get(reverse("outputs")).content
    client.force_login(factories.make_user("别人", role="shift_lead", area="9901"))
    assert client.get(reverse("desk-messages")).json()["messages"] == []
