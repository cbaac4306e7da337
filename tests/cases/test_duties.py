"""The duty list and the command manual: party, post, person and manual of a rule, from form to drawer."""

import pytest
from django.test import Client
from django.utils import timezone

from cases import dispatch, rules
from cases.models import DispatchRule
from geo.models import Dictionary, DictionaryItem, Notice, User
from geo.problems import Problem
from tests.cases.people import HERE, act, case_in, client, make_people, photo, report
from tests.factories import make_rule, make_type, make_unit, make_user

pytestmark = pytest.mark.django_db


def make_parties() -> None:
    dictionary = Dictionary.objects.get_or_create(code="five_party", defaults={"name": "五方责任"})[0]
    for code, name in (("property", "物业"), ("authority", "主管部门")):
        DictionaryItem.objects.get_or_create(dictionary=dictionary, code=code, defaults={"name": name})


@pytest.fixture
def people(city):
    make_parties()
    return make_people()


def fresh(person) -> User:
    return User.objects.get(pk=person.pk)


def decided(kind):
    return dispatch.decide(HERE, type=kind, area_code="990101001001", day=timezone.localdate())


def test_the_decision_carries_post_person_and_manual(people):
    kind = make_type(type_code="01", name="上水井盖")
    make_rule(
        people.unit,
        type=kind,
        area_code="9901",
        party="authority",
        post="抢修班长",
        person=people.department,
        manual="先设围挡。\n电话 0990-0000",
    )
    told = decided(kind).as_json()
    assert told["post"] == "抢修班长" and told["manual"].startswith("先设围挡")
    assert (told["person"], told["person_name"], told["party"]) == (
        people.department.pk,
        "department",
        "authority",
    )


def test_a_rule_without_them_says_nothing_and_people_who_left_are_not_named(people):
    kind = make_type(type_code="01", name="上水井盖")
    rule = make_rule(people.unit, type=kind, area_code="9901")
    assert not set(dispatch.DUTY) & set(decided(kind).as_json())
    rule.person = people.department
    rule.save()
    User.objects.filter(pk=people.department.pk).update(is_active=False)
    assert "person" not in decided(kind).as_json()


def test_the_named_person_is_told_once_and_sees_it_in_the_drawer(people):
    kind = make_type(type_code="01", name="上水井盖")
    make_rule(
        people.unit, type=kind, area_code="9901", post="抢修班长", person=people.department, manual="先设围挡"
    )
    answer = report(people.worker, type=kind.pk, attachments=[photo(people.worker)])
    assert answer.status_code == 201, answer.data
    notice = Notice.objects.get(user=people.department)
    number = answer.data["number"]
    assert number in notice.detail and "抢修班长" in notice.detail and notice.url.endswith(f"{number}/")
    browser = Client()
    browser.force_login(people.department)
    page = browser.get(notice.url, headers={"HX-Request": "true", "HX-Target": "drawer"}).content.decode()
    assert "抢修班长" in page and "先设围挡" in page and "department" in page
    assert client(people.department).get(f"/api/cases/{number}/").data["decision"]["manual"] == "先设围挡"
    assert Notice.objects.count() == 1


def test_by_hand_along_the_rule_keeps_and_tells_the_same(people):
    kind = make_type(type_code="01", name="上水井盖")
    duty = {"post": "抢修班长", "person": people.department, "manual": "先设围挡"}
    rule = make_rule(people.unit, type=kind, area_code="9901", name="井盖归排水", **duty)
    # Two rules contradict each other, so a person decides: the chosen unit's rule counts.
    make_rule(people.other_unit, type=kind, area_code="9901", post="路灯班长", person=people.other_department)
    case = case_in("filed", people, type=kind)
    assert act(people.dispatcher, case.number, "dispatch", unit=people.unit.pk).status_code == 200
    case.refresh_from_db()
    assert case.decision["reason"] == "hand" and case.decision["rule"] == rule.pk
    assert [case.decision[name] for name in ("post", "person", "person_name", "manual")] == [
        "抢修班长",
        people.department.pk,
        "department",
        "先设围挡",
    ]
    assert "井盖归排水" in dispatch.explain(case.decision)
    assert case.transitions.get(action="dispatch").detail["decision"] == case.decision
    (notice,) = Notice.objects.all()
    assert notice.user == people.department and "抢修班长" in notice.detail
    # A unit that no rule on the first rank names gets the case alone.
    third = make_unit("园林公司")
    case = case_in("filed", people, type=kind)
    assert act(people.dispatcher, case.number, "dispatch", unit=third.pk).status_code == 200
    case.refresh_from_db()
    assert not {"rule", *dispatch.DUTY} & set(case.decision) and Notice.objects.count() == 1


def test_a_person_who_cannot_see_the_case_is_not_told(people):
    kind = make_type(type_code="01", name="上水井盖")
    stranger = make_user("stranger", organisation=people.unit)
    make_rule(people.unit, type=kind, area_code="9901", person=stranger)
    assert report(people.worker, type=kind.pk, attachments=[photo(people.worker)]).status_code == 201
    assert not Notice.objects.filter(user=stranger).exists()


def test_who_may_be_named(people):
    user = fresh(people.dispatcher)
    with pytest.raises(Problem) as refused:
        rules.create_rule(user, name="甲", unit=people.unit, area_code="9901", person=people.other_department)
    assert refused.value.errors[0]["pointer"] == "/person"
    with pytest.raises(Problem) as refused:
        rules.create_rule(user, name="甲", unit=people.unit, area_code="9901", party="sixth")
    assert refused.value.errors[0]["pointer"] == "/party"
    below = make_user("below", organisation=make_unit("一队", parent=people.unit))
    made = rules.create_rule(
        user, name="甲", unit=people.unit, area_code="9901", person=below, party="property", post="班长"
    )
    assert (made.person, made.party, made.post) == (below, "property", "班长")


def test_form_page_and_api(people):
    browser = Client()
    browser.force_login(people.dispatcher)
    form = {"name": "新规则", "unit": people.unit.pk, "area_code": "990101", "party": "property"}
    form |= {"post": "项目经理", "manual": "步骤一", "person": "other_department"}
    wrong = browser.post("/rules/new/", form)
    assert wrong.status_code == 422 and "other_department" in wrong.content.decode()
    long = browser.post("/rules/new/", form | {"person": "", "post": "岗" * 61, "basis": "据" * 201})
    assert long.status_code == 422 and not DispatchRule.objects.exists()
    assert ("61" in long.content.decode()) and ("201" in long.content.decode()), "each told at its field"
    long = browser.post("/rules/new/", form | {"person": "", "area_code": "9901010010010"})
    assert long.status_code == 422, "one digit too many is no shorter code"
    assert browser.post("/rules/new/", form | {"person": "department"}).status_code == 204
    rule = DispatchRule.objects.get(name="新规则")
    assert (rule.person, rule.post, rule.manual) == (people.department, "项目经理", "步骤一")
    page = browser.get("/rules/").content.decode()
    assert "项目经理" in page and "物业" in page and "步骤一" in page
    assert "新规则" in browser.get("/rules/?party=property").content.decode()
    assert "新规则" not in browser.get("/rules/?party=authority").content.decode()
    body = {"name": "接口", "unit": people.unit.code, "area_code": "990101", "person": "nobody"}
    api = client(people.dispatcher)
    assert api.post("/api/dispatch-rules/", body, format="json").status_code == 422
    body |= {"person": "department", "post": "值班员", "party": "authority", "manual": "x"}
    answer = api.post("/api/dispatch-rules/", body, format="json")
    assert answer.status_code == 201, answer.data
    assert (answer.data["person"], answer.data["post"], answer.data["meeting"]) == (
        "department",
        "值班员",
        None,
    )


@pytest.mark.parametrize("who", ["department", "worker", "nobody", "leader", "acceptor", "other_dispatcher"])
def test_others_make_no_rules(people, who):
    with pytest.raises(Problem) as refused:
        rules.create_rule(fresh(getattr(people, who)), name="甲", unit=people.unit, area_code="990101")
    assert refused.value.status == 403
