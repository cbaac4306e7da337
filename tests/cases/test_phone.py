"""The phone app's own addresses: a shell that tells nothing, and data for one user alone."""

import json

import pytest

from cases import actions
from cases.actions import Given, Place
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(city):
    user = factories.make_user("网格员甲", role="grid_worker")
    factories.make_worker(user, grid="990101001001001", role="leader", area_code="990101001001")
    return user


@pytest.mark.parametrize("path", ["/m/", "/m/report", "/m/task/A990101202601010001"])
def test_shell_is_the_same_for_everybody(client, worker, path):
    anonymous = client.get(path)
    client.force_login(worker)
    assert anonymous.status_code == 200
    assert client.get(path).content == anonymous.content
    assert worker.name not in anonymous.content.decode()


def test_worker_names_its_files_and_a_version_that_stays(client):
    first, second = client.get("/m/sw.js"), client.get("/m/sw.js")
    assert first.content == second.content
    assert first["Service-Worker-Allowed"] == "/m/"
    line = first.content.decode().split("\n", 1)[0]
    about = json.loads(line.removeprefix("self.SHELL = ").removesuffix(";"))
    assert len(about["version"]) == 12
    assert "/m/" in about["files"] and "/jsi18n/?zh-hans" in about["files"]


def test_manifest_speaks_the_language_of_the_request(client):
    assert client.get("/m/manifest.webmanifest").json()["lang"] == "zh-CN"
    english = client.get("/m/manifest.webmanifest", headers={"accept-language": "en"}).json()
    assert (english["lang"], english["scope"], english["start_url"]) == ("en", "/m/", "/m/")


def test_session_tells_who_and_gives_a_token(client, worker):
    assert client.get("/m/session").json()["user"] is None
    client.force_login(worker)
    answer = client.get("/m/session").json()
    assert answer["user"] == {"id": worker.pk, "name": "网格员甲"} and answer["csrf"]


@pytest.mark.parametrize("path", ["/m/data/base", "/m/data/messages"])
def test_data_is_for_the_signed_in(client, path):
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


def test_base_holds_own_grids_with_what_stands_there(client, worker, django_assert_max_num_queries):
    near = factories.make_component(factories.at(0.2, 0.2))
    factories.make_component(factories.at(1.5, 0.5))
    factories.make_component(factories.at(0.1, 0.1), state="removed")
    client.force_login(worker)
    with django_assert_max_num_queries(14):
        base = client.get("/m/data/base").json()
    (grid,) = base["grids"]
    assert (grid["code"], grid["community"]["name"], grid["role"]) == ("990101001001001", "11社区", "leader")
    assert grid["leader"]["is_me"] and grid["geometry"]["type"] == "Polygon"
    assert [row[:2] for row in base["components"]] == [[near.code, near.name]]
    assert near.type_id in {kind["id"] for kind in base["types"]}


def test_messages_tell_the_reporter_what_others_did(client, worker):
    unit = factories.make_unit("排水管理处")
    kind = factories.make_type("event", "01", "13", "道路破损")
    factories.make_rule(unit, type=kind, area_code="9901")
    case, _new = actions.report(
        worker,
        Place(point=factories.at(0.2, 0.2)),
        client_key="6a0b9c1e-6f5d-4a58-9a51-2f8c2f0a7c11",
        type=kind,
    )
    handler = factories.make_user(role="department", unit=unit)
    actions.act(case.number, "start", handler, Given())
    client.force_login(worker)
    rows = client.get("/m/data/messages").json()["results"]
    assert [
        (row["action"], row["to_unit"], row["mine"]) for row in rows if row["action"] != "auto_accept"
    ] == [("auto_dispatch", "排水管理处", True)]
    # The unit hears that it was given something; a worker elsewhere hears nothing.
    client.force_login(handler)
    assert [row["action"] for row in client.get("/m/data/messages").json()["results"]] == ["auto_dispatch"]
    stranger = factories.make_user(role="grid_worker")
    client.force_login(stranger)
    assert client.get("/m/data/messages").json() == {"results": []}
