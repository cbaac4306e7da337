"""The API keeps the word of its own description, whatever it is sent: schemathesis reads ``/api/schema/``.

Each operation gets some well-formed and some malformed requests, always the same ones, from somebody who may
do nearly everything in the tiny city. Nothing may answer 500, and every answer is one that the description
foretells: its status, its content type, its body. Each request's changes are rolled back.
"""

import base64

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from geo.models import Grant, Role
from tests.everything import Everything
from tests.factories import make_user, make_worker

pytestmark = [pytest.mark.django_db, pytest.mark.clients]
PASSWORD = "a long password"
EXAMPLES = 3
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
# What breaks careless handlers, wherever a text or a number is taken.
NASTY = ("\x00", "9" * 40, "-1", "1e400", "nan", "[", "'", "\ud7ff" * 300, "a,b,c,d", "999,0,0,999")


@pytest.fixture
def open_connection():
    """Requests through WSGI leave the test's connection open, as Django's own test client does."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture
def api(city, open_connection):
    """The description, read from the site itself, and the header that says who asks."""
    user = make_user("schema", role="shift_lead", area="9901")
    for role in ("data_steward", "planner", "supervisor"):
        Grant.objects.create(user=user, role=Role.objects.get(code=role), area_code="9901")
    user.set_password(PASSWORD)
    user.save()
    make_worker(user, grid="990101001001001")
    everything = Everything(city, user)
    everything.grow(2)
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    told = base64.b64encode(f"schema:{PASSWORD}".encode()).decode()
    return schema, {"Authorization": f"Basic {told}"}


def examples(strategy, number: int) -> list:
    """The first examples of a strategy, the same at every run."""
    found = []

    @hypothesis.seed(9901)
    @hypothesis.settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def gather(case):
        found.append(case)

    gather()
    return found


def test_every_operation_keeps_its_word(api):
    schema, headers = api
    broken = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in GenerationMode:
            try:
                cases = examples(operation.as_strategy(generation_mode=mode), EXAMPLES)
            except hypothesis.errors.Unsatisfiable:
                continue  # nothing can be wrong where nothing is asked for
            for case in cases:
                with transaction.atomic():
                    try:
                        case.call_and_validate(headers=headers, checks=CHECKS)
                    except (FailureGroup, Exception) as error:
                        broken.setdefault(f"{operation.label} {type(error).__name__}", str(error)[:900])
                    transaction.set_rollback(True)
    assert not broken, "\n\n".join(f"== {name}\n{text}" for name, text in broken.items())


def test_nasty_values_are_refused(api, client):
    """Every query parameter of every list and question, one nasty value at a time."""
    schema, headers = api
    broken = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.method.lower() != "get":
            continue
        path = operation.path
        for name in [one for one in ("code", "number", "id", "uuid", "measure") if "{" + one + "}" in path]:
            path = path.replace("{" + name + "}", "1")
        if "{" in path:
            continue
        for parameter in operation.query:
            for value in NASTY:
                client.raise_request_exception = False
                with transaction.atomic():
                    answer = client.get(path, {parameter.name: value}, headers=headers)
                    transaction.set_rollback(True)
                if answer.status_code >= 500:
                    broken.append(f"{answer.status_code} {path} {parameter.name}={value[:20]!r}")
    assert not broken, "\n".join(broken)
