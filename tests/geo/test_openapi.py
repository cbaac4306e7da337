"""The API describes itself: valid, complete, without anything from elsewhere."""

import json
import re

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.validation import validate_schema

pytestmark = pytest.mark.django_db


def schema():
    answer = Client().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    return json.loads(answer.content)


def test_the_document_is_valid_and_complete_in_itself():
    document = schema()
    validate_schema(document)
    text = json.dumps(document)
    references = set(re.findall(r'"\$ref": "([^"]+)"', text))
    assert references and all(one.startswith("#/components/") for one in references)
    names = {one.rsplit("/", 1)[1] for one in references}
    assert names <= set(document["components"]["schemas"])
    assert {"/api/cases/", "/api/locate", "/api/check-ins/", "/api/search"} <= set(document["paths"])


def test_no_view_is_left_undescribed(capsys):
    call_command("spectacular", "--validate", "--fail-on-warn", file="/dev/null")


def test_the_page_serves_its_own_files():
    client = Client()
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    assert "<script>" not in page, "no script inside the page"
    policy = answer["Content-Security-Policy"]
    assert (
        "script-src 'self'" in policy and "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    )
    script = re.search(r'src="([^"]*\?script=[^"]*)"', page)[1].replace("&amp;", "&")
    assert client.get(script).status_code == 200
    assert "unsafe-inline" not in client.get("/api/")["Content-Security-Policy"]
