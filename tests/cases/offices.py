"""People who deal with letters and complaints, beside those of ``people``; and cases standing in a state."""

from dataclasses import dataclass

from cases import flow
from cases.models import Case, Transition
from geo.models import Dictionary, DictionaryItem, Organisation, User
from tests.cases.people import GRID, HERE, People, make_people
from tests.factories import make_case, make_unit, make_user, make_worker

KINDS = ("emergency", "utilities", "consultation", "help", "suggestion", "complaint")
STREET, COMMUNITY = "990101001", "990101001001"


@dataclass
class Offices:
    """Users by what they do; ``other_*`` do the same elsewhere."""

    people: People
    unit: Organisation
    other_unit: Organisation
    sub_unit: Organisation
    worker: User
    colleague: User
    other_worker: User
    community: User
    other_community: User
    street: User
    other_street: User
    district: User
    complaints: User
    other_complaints: User
    district_complaints: User
    city_complaints: User
    department: User
    other_department: User
    lead: User
    leader: User
    dispatcher: User
    nobody: User

    NAMES = (
        *("worker", "colleague", "other_worker", "community", "other_community", "street", "other_street"),
        *("district", "complaints", "other_complaints", "district_complaints", "city_complaints"),
        *("department", "other_department", "lead", "leader", "dispatcher", "nobody"),
    )

    def user(self, name: str) -> User:
        """Fresh, so that nothing of its scope is kept from before."""
        return User.objects.get(pk=getattr(self, name).pk)


def make_kinds() -> None:
    dictionary = Dictionary.objects.get_or_create(code="complaint_kind", defaults={"name": "诉求类别"})[0]
    for code in KINDS:
        DictionaryItem.objects.get_or_create(dictionary=dictionary, code=code, defaults={"name": code})


def make_offices() -> Offices:
    people = make_people()
    make_kinds()
    place = make_unit("甲社区居委会", kind="community", area_code=COMMUNITY)
    street = make_unit("第1街道办事处", kind="street", area_code=STREET)
    centre = make_unit("甲区运行中心", kind="centre", area_code="990101")
    colleague = make_user("colleague", role="grid_worker", organisation=place)
    make_worker(colleague, grid=GRID)
    return Offices(
        people=people,
        unit=people.unit,
        other_unit=people.other_unit,
        sub_unit=make_unit("排水公司一队", parent=people.unit),
        worker=people.worker,
        colleague=colleague,
        other_worker=people.other_worker,
        community=make_user("community", role="community_desk", area=COMMUNITY, organisation=place),
        other_community=make_user("other_community", role="community_desk", area="990101001002"),
        street=make_user("street", role="street_desk", area=STREET, organisation=street),
        other_street=make_user("other_street", role="street_desk", area="990101002"),
        district=make_user("district", role="district_desk", area="990101"),
        complaints=make_user("complaints", role="complaint_desk", area=STREET, organisation=street),
        other_complaints=make_user("other_complaints", role="complaint_desk", area="990101002"),
        district_complaints=make_user(
            "district_complaints", role="complaint_desk", area="990101", organisation=centre
        ),
        city_complaints=make_user("city_complaints", role="complaint_desk", area="9901", organisation=centre),
        department=people.department,
        other_department=people.other_department,
        lead=people.lead,
        leader=people.leader,
        dispatcher=people.dispatcher,
        nobody=people.nobody,
    )


def standing(name: str, state: str, offices: Offices, came_from: str = "", **values) -> Case:
    """A letter or complaint in a state, held by the unit where the state wants one.

    ``came_from`` is the state in which it was handled before it came to be checked, as its log tells.
    """
    table = flow.current(name)
    if table.phase(state) == Case.Phase.UNIT or state in ("returned", "replied", "dissatisfied"):
        values.setdefault("holder_unit", offices.unit)
    if came_from in ("reporting_in", "in_hand"):
        values.setdefault("holder_unit", offices.unit)
    if name == flow.COMPLAINT:
        values.setdefault("complaint_kind", "complaint")
    case = make_case(HERE, flow=name, state=state, **values)
    if came_from:
        check = next(one.code for one in table.states.values() if one.phase == Case.Phase.CHECK)
        Transition.objects.create(
            case=case, action="feed_back", from_state=came_from, to_state=check, at=case.reported_at
        )
    return case
