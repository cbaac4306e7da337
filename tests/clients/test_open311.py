"""Open311 through the web server, as other systems meet it.

The schemas say what the specification says of each answer. Where the package ``georeport`` is installed, a
client that somebody else wrote reads as well; it is no requirement of the suite, because it wants an
older XML reader than another of our tools.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from xml.etree import ElementTree

import jsonschema
import pytest

from cases.models import Case, FilingStandard, Open311Key
from cases.open311 import keys, render
from tests.cases.people import HERE
from tests.factories import make_case, make_type

pytestmark = pytest.mark.clients

TEXT, MAYBE = {"type": "string", "minLength": 1}, {"type": ["string", "null"]}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$"}
DEGREES = {"type": ["number", "null"]}


def thing(**fields) -> dict:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def many(item: dict) -> dict:
    return {"type": "array", "items": item}


SCHEMAS = {
    "discovery": thing(
        changeset=TEXT,
        contact=TEXT,
        key_service=TEXT,
        endpoints=many(
            thing(
                specification={"const": "http://wiki.open311.org/GeoReport_v2"},
                url={"type": "string", "pattern": "^https?://"},
                changeset=TEXT,
                type={"enum": ["production", "test"]},
                formats=many({"enum": ["text/xml", "application/json"]}),
            )
        ),
    ),
    "services": many(
        thing(
            service_code=TEXT,
            service_name=TEXT,
            description=TEXT,
            metadata={"type": "boolean"},
            type={"enum": ["realtime", "batch", "blackbox"]},
            keywords={"type": "string"},
            group={"type": "string"},
        )
    ),
    "definition": thing(
        service_code=TEXT,
        attributes=many(
            thing(
                variable={"type": "boolean"},
                code=TEXT,
                datatype={
                    "enum": ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
                },
                required={"type": "boolean"},
                datatype_description=MAYBE,
                order={"type": "integer", "minimum": 1},
                description=TEXT,
                values=many(thing(key=TEXT, name=TEXT)),
            )
        ),
    ),
    "requests": many(
        thing(
            service_request_id=TEXT,
            status={"enum": ["open", "closed"]},
            status_notes=MAYBE,
            service_name=TEXT,
            service_code=TEXT,
            description=MAYBE,
            agency_responsible=MAYBE,
            service_notice=MAYBE,
            requested_datetime=TIME,
            updated_datetime=TIME,
            expected_datetime=MAYBE,
            address=MAYBE,
            address_id=MAYBE,
            zipcode=MAYBE,
            lat=DEGREES,
            long=DEGREES,
            media_url=MAYBE,
        )
    ),
    "sent": many(thing(service_request_id=TEXT, service_notice=MAYBE, account_id=MAYBE)),
    "tokens": many(thing(service_request_id=TEXT, token=TEXT)),
    "updates": many(
        thing(
            update_id=TEXT,
            service_request_id=TEXT,
            status={"enum": ["open", "closed"]},
            updated_datetime=TIME,
            description=MAYBE,
            media_url=MAYBE,
        )
    ),
    "errors": many(thing(code={"type": "integer"}, description=TEXT)),
}


@pytest.fixture
def site(transactional_db, city, live_server):
    """The address of a running site with one service and two requests."""
    cover = make_type(type_code="01", name="上水井盖")
    FilingStandard.objects.create(type=cover, condition="井盖缺失", limit=2, limit_unit="urgent_hour")
    make_case(HERE, state="handled")
    make_case(HERE, state="closed")
    return f"{live_server.url}/open311/v2"


@pytest.fixture
def secret(site):
    return keys.add(None, Open311Key(label="外部系统"))


def ask(address: str, form: dict | None = None, headers: dict | None = None) -> tuple[int, bytes]:
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(address, data, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def check(name: str, address: str, status: int = 200, **sent) -> list | dict:
    """The answer in JSON, held against its schema, and that the XML one has the same elements."""
    code, content = ask(f"{address[0]}.json{address[1]}", **sent)
    assert code == status, content.decode()
    data = json.loads(content)
    jsonschema.validate(data, SCHEMAS[name])
    if not sent:
        code, content = ask(f"{address[0]}.xml{address[1]}")
        assert code == status
        element = ElementTree.fromstring(content)
        wanted = ElementTree.fromstring(render.as_xml(element.tag, data))
        assert [one.tag for one in element.iter()] == [one.tag for one in wanted.iter()]
    return data


def test_answers_are_as_the_specification_says(site, secret):
    check("discovery", (f"{site}/discovery", ""))
    (service,) = check("services", (f"{site}/services", ""))
    code = service["service_code"]
    definition = check("definition", (f"{site}/services/{code}", ""))
    assert len(definition["attributes"]) == 2
    assert len(check("requests", (f"{site}/requests", ""))) == 2
    check("errors", (f"{site}/requests", "?status=broken"), 400)
    check("errors", (f"{site}/requests/A1", ""), 404)
    check("errors", (f"{site}/services/none", ""), 404)
    form = {"service_code": code, "lat": HERE.y, "long": HERE.x, "description": "井盖没了"}
    check("errors", (f"{site}/requests", ""), 403, form=form)
    form |= {"api_key": secret}
    (sent,) = check("sent", (f"{site}/requests", ""), form=form, headers={"Idempotency-Key": "eins"})
    number = sent["service_request_id"]
    (found,) = check("requests", (f"{site}/requests/{number}", ""))
    assert found["status"] == "open"
    (token,) = check("tokens", (f"{site}/tokens/eins", f"?api_key={secret}"))
    assert token["service_request_id"] == number
    updates = check("updates", (f"{site}/servicerequestupdates", f"?service_request_id={number}"))
    assert [one["service_request_id"] for one in updates] == [number]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_client_somebody_else_wrote(site, secret, form):
    georeport = pytest.importorskip("georeport")
    client = georeport.GeoReport(site, jurisdiction="9901", api_key=secret, output_format=form)
    services = client.get_service_list()
    services = services if isinstance(services, list) else [services]
    code = services[0]["service_code"]
    assert services[0]["service_name"] == "上水井盖"
    assert client.get_service_definition(code)["service_code"] == code
    found = client.get_service_requests(status="open,closed", service_code=code)
    assert {one["status"] for one in found} == {"open", "closed"}
    number = found[0]["service_request_id"]
    assert client.get_service_request(number)["service_request_id"] == number
    assert Case.objects.filter(number=number).exists()
