"""Every address, written to by people who may change nothing there; see ``tests.test_walk``.

A file of its own, so that both halves of the walk run side by side.
"""

import pytest

from geo.models import Organisation
from tests.test_walk import (
    OUTSIDE,
    OUTSIDERS,
    addresses,
    logged_in,
    outsider,
    route_of,
    secrets,  # noqa: F401 (a fixture)
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", OUTSIDERS)
def test_nothing_can_be_changed(client, secrets, kind):  # noqa: F811
    user = outsider(kind)
    if user:
        client.force_login(user)
    client.raise_request_exception = False
    case = secrets["case"]
    before = (case.transitions.count(), case.state, Organisation.objects.count())
    broken, not_taken = [], set()
    for address in (one for one in addresses(secrets) if "?" not in one):
        route = route_of(address)
        for method in ("post", "put", "patch", "delete"):
            if (route, method) in not_taken:
                continue
            response = getattr(client, method)(address, {}, content_type="application/json")
            if response.status_code == 405:
                not_taken.add((route, method))  # whatever row it is sent to
            if response.status_code >= 500:
                broken.append(f"{response.status_code} {method} {address}")
            if user is not None and not logged_in(client):
                client.force_login(user)
    assert not broken, "\n".join(broken)
    case.refresh_from_db()
    assert (case.transitions.count(), case.state, Organisation.objects.count()) == before
    for name, row in secrets.items():
        if kind != "administrator" or name not in OUTSIDE:
            row.refresh_from_db()
