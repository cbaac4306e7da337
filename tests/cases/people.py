"""People of every trade at the first grid of the tiny city, and shorthand for what they do."""

import uuid
from dataclasses import dataclass

from rest_framework.test import APIClient

from cases.models import Case
from geo.models import Attachment, Organisation, User
from tests.factories import at, make_case, make_type, make_unit, make_user, make_worker

GRID = "990101001001001"
HERE = at(0.2, 0.2)


@dataclass
class People:
    """Users by what they do; ``other_*`` do the same elsewhere or for another unit."""

    unit: Organisation
    other_unit: Organisation
    acceptor: User
    dispatcher: User
    lead: User
    department: User
    other_department: User
    worker: User
    other_worker: User
    leader: User
    other_dispatcher: User
    nobody: User


def make_people() -> People:
    unit, other_unit = make_unit("排水公司"), make_unit("路灯公司")
    people = People(
        unit=unit,
        other_unit=other_unit,
        acceptor=make_user("acceptor", role="acceptor", area="9901"),
        dispatcher=make_user("dispatcher", role="dispatcher", area="9901"),
        lead=make_user("lead", role="shift_lead", area="9901"),
        department=make_user("department", role="department", unit=unit),
        other_department=make_user("other_department", role="department", unit=other_unit),
        worker=make_user("worker", role="grid_worker", organisation=make_unit("社区", kind="community")),
        other_worker=make_user("other_worker", role="grid_worker"),
        leader=make_user("leader", role="leader", area="9901"),
        other_dispatcher=make_user("other_dispatcher", role="dispatcher", area="990102"),
        nobody=make_user("nobody"),
    )
    make_worker(people.worker, grid=GRID)
    make_worker(people.other_worker, grid="990102001001001")
    return people


def client(user) -> APIClient:
    api = APIClient()
    api.force_authenticate(User.objects.get(pk=user.pk))
    return api


def photo(user) -> str:
    row = Attachment.objects.create(owner=user, media_type="image/jpeg", sha256="0" * 64, size=1)
    return str(row.uuid)


def report(user, place=HERE, **values):
    values.setdefault("client_key", str(uuid.uuid4()))
    return client(user).post("/api/cases/", {"lon": place.x, "lat": place.y, **values}, format="json")


def act(user, number, action, **values):
    return client(user).post(f"/api/cases/{number}/actions/{action}/", values, format="json")


def evidence(user, place=HERE) -> dict:
    """A photo, and a position on the spot."""
    return {"attachments": [photo(user)], "position": {"lon": place.x, "lat": place.y, "accuracy_m": 8}}


def case_in(state: str, people: People, **values) -> Case:
    """A case standing in a state, held by the unit where the state wants a holder."""
    held = {"dispatched", "handling", "handled", "verifying_after", "rework", "verified", "suspended"}
    if state in held:
        values.setdefault("holder_unit", people.unit)
    values.setdefault("type", make_type(type_code="01", name="上水井盖"))
    return make_case(HERE, state=state, **values)
