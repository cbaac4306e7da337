"""The pages as people use them, and that others do not get in."""

import io
import json
import re
import uuid

import pytest
from PIL import Image

from cases.evaluation import authoring, exports, sampling, tasks
from cases.models import EvaluationModel, EvaluationTask, Indicator, Inspection, ReportedValue
from geo.models import Attachment, Output
from geo.problems import Problem
from tests.cases.evaluation.made import (
    computed,
    field,
    item,
    leaf,
    make_evaluator,
    make_model,
    make_task,
    reported,
    subject,
)
from tests.factories import at, make_component, make_type, make_user

pytestmark = pytest.mark.django_db
HTML = {"HTTP_ACCEPT": "text/html"}


@pytest.fixture
def user(city):
    return make_evaluator()


@pytest.fixture
def assessor(city):
    return make_user("assessor", role="assessor", area="9901")


def picture():
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "grey").save(file, "JPEG")
    file.name = "one.jpg"
    file.seek(0)
    return file


def test_from_indicator_to_published_model(client, user):
    client.force_login(user)
    given = {"name": "结案率", "kind": "computed", "source": "close_rate", "direction": "higher"}
    answer = client.post("/evaluation/indicators/new/", given | {"full_value": "60", "zero_value": "95"})
    assert answer.status_code == 422 and "高" in answer.content.decode()
    steps = {"step_value": ["95", "90", ""], "step_score": ["100", "80", ""]}
    assert client.post("/evaluation/indicators/new/", given | steps).status_code == 302
    indicator = Indicator.objects.get()
    assert indicator.steps == [["95", "100"], ["90", "80"]] and indicator.unit == "%"
    assert client.get(f"/evaluation/indicators/{indicator.pk}/").status_code == 200

    answer = client.post("/evaluation/models/new/", {"name": "区", "subject": "area", "area_code": "9901"})
    model = EvaluationModel.objects.get()
    assert answer.url == f"/evaluation/models/{model.pk}/"
    tree = [{"name": "", "weight": "99", "indicator": indicator.pk, "children": []}]

    def save(revision):
        body = json.dumps({"revision": revision, "tree": tree, "name": "区域模型", "note": ""})
        return client.post(f"{answer.url}tree/", body, content_type="application/json")

    assert "99" in save(0).json()["faults"][0]
    assert client.post(f"{answer.url}act/publish/", follow=True, **HTML).status_code == 200
    model.refresh_from_db()
    assert model.state == "draft" and model.name == "区域模型"
    tree[0]["weight"] = "100"
    assert save(0).status_code == 409
    assert save(1).json() == {"revision": 2, "faults": []}
    client.post(f"{answer.url}act/publish/")
    model.refresh_from_db()
    assert model.state == "published"
    for path in ("/evaluation/models/?all=1", answer.url, "/evaluation/indicators/?q=结"):
        assert client.get(path).status_code == 200
    assert client.post(f"{answer.url}act/copy/").status_code == 302
    assert client.post(f"{answer.url}act/version/").status_code == 302
    assert client.post(f"{answer.url}act/retire/").status_code == 302


def test_a_task_by_its_pages(client, user, assessor):
    for number in range(8):
        make_component(at(0.06 + number / 8, 0.06), type=make_type(type_code="01"))
    model = make_model(user, [leaf(reported(user), "40"), leaf(field(user), "60")])
    client.force_login(user)
    assert client.get(f"/evaluation/tasks/new/?model={model.pk}&peers=district").status_code == 200
    given = {
        "model": model.pk,
        "area_code": "9901",
        "peers": "district",
        "name": "十月",
        "period_from": "2026-10-01",
        "period_last": "2026-10-31",
    }
    mixed = client.post("/evaluation/tasks/new/", given | {"subjects": ["990101", "990101001"]})
    assert mixed.status_code == 422 and "街道" in mixed.content.decode()
    key = re.search('name="client_key" value="([^"]+)"', mixed.content.decode())[1]
    given |= {"subjects": ["990101", "990102"], "client_key": key}
    answer = client.post("/evaluation/tasks/new/", given)
    task = EvaluationTask.objects.get()
    # Sent again, as after an answer that was lost: the same task; the form cannot make another one.
    assert client.post("/evaluation/tasks/new/", given).url == answer.url
    other = client.post("/evaluation/tasks/new/", given | {"name": "十月（二）"})
    assert other.status_code == 422 and "另开" in other.content.decode()
    # Another tab's form.
    twin = client.post("/evaluation/tasks/new/", given | {"client_key": uuid.uuid4()})
    assert twin.status_code == 422 and "已经建立了“十月”" in twin.content.decode()
    assert client.post("/evaluation/tasks/new/", given | {"client_key": "x"}).status_code == 422
    task = EvaluationTask.objects.get()
    home = answer.url
    assert str(task.period_to) == "2026-11-01"
    client.post(f"{home}assessors/", {"user": assessor.pk})
    line = {
        "item": item(task, "街面秩序").pk,
        "of": "component",
        "type": "",
        "component_state": "",
        "number": "1",
    }
    rules = {"cells": "unit", "per_subject": "50"} | line
    assert client.post(f"{home}sample/", rules | {"per_subject": "0"}).status_code == 422
    many = client.post(f"{home}sample/", rules | {name: [value] * 21 for name, value in line.items()})
    assert many.status_code == 422 and "最多20行" in many.content.decode()
    assert client.post(f"{home}sample/", rules).status_code == 302
    client.post(f"{home}sample/draw/", {"seed": "a1"})
    assert client.post(f"{home}sample/repeat/", follow=True, **HTML).status_code == 200
    task.refresh_from_db()
    assert task.points.count() >= 2
    drawn = json.loads(client.get(f"{home}sample/points.json").content)["features"]
    assert {one["properties"]["kind"] for one in drawn} == {"cell", "point"}
    client.post(f"{home}move/start/")
    for tab in ("", "sample/", "values/", "values/?show=open", "field/"):
        assert client.get(home + tab).status_code == 200, tab
    assert client.get(f"{home}results/").status_code == 404

    client.force_login(assessor)
    for tab in ("", "sample/", "values/", "field/"):
        assert client.get(home + tab).status_code == 200, tab
    where = {"item": item(task, "重大舆情").pk, "subject": subject(task, "990101").pk}
    client.post(f"{home}values/enter/", where | {"value": "2"})
    value = ReportedValue.objects.get()
    assert client.post(f"{home}values/{value.pk}/review/", {"answer": "accept"}).status_code in (
        302,
        403,
        404,
    )
    value.refresh_from_db()
    assert value.state == "pending"
    point = task.points.first()
    assert client.get(f"{home}field/?point={point.pk}").status_code == 200
    seen = {"client_key": str(uuid.uuid4()), "point": point.pk, "lon": point.geom.x, "lat": point.geom.y}
    seen |= {"accuracy": "5", "found-p1": "1"}
    assert client.post(f"{home}field/", seen).status_code == 422  # without a photo
    many = client.post(f"{home}field/", seen | {"photos": [picture() for _number in range(10)]})
    assert many.status_code == 422 and not Attachment.objects.exists()
    for _send in range(2):
        assert client.post(f"{home}field/", seen | {"photos": picture()}).status_code == 302
    row = Inspection.objects.get()
    assert row.photos.count() == 1 and row.found == [{"code": "p1", "count": 1}]
    shown = f"/api/attachments/{row.photos.get().attachment.uuid}/thumbnail"
    assert client.get(shown).status_code == 200

    client.force_login(user)
    assert client.get(shown).status_code == 200
    client.post(f"{home}values/{value.pk}/review/", {"answer": "accept", "value": "2"})
    client.post(f"{home}move/close_collecting/")
    page = client.get(f"{home}results/")
    assert page.status_code == 200 and "乙区" in page.content.decode()
    client.post(f"{home}recompute/")
    client.post(f"{home}move/publish/")
    task.refresh_from_db()
    assert task.state == "review"
    client.post(f"{home}move/publish/", {"reason": "乙区无点位"})
    task.refresh_from_db()
    assert task.state == "published"
    first = subject(task, "990101")
    assert client.get(f"{home}results/{first.pk}/").status_code == 200
    client.force_login(make_user(role="leader", area="990102"))
    assert client.get(shown).status_code == 404
    assert client.get(f"{home}results/{first.pk}/").status_code == 404
    assert client.get(f"{home}results/").status_code == 200
    assert client.get(home).url == f"{home}results/"


@pytest.mark.parametrize("kind", exports.KINDS)
def test_files(client, user, assessor, kind, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    for number in range(8):
        make_component(at(0.06 + number / 8, 0.06), type=make_type(type_code="01"), name="=1+1")
    model = make_model(
        user, [leaf(computed(user, "filed", full_value="9", zero_value="0"), "50"), leaf(field(user), "50")]
    )
    task = make_task(user, model, ["990101", "990102"], name="=十月")
    rule = {"item": item(task, "街面秩序").pk, "of": "component", "number": 1}
    sampling.set_rules(user, task.pk, {"cells": "unit", "per_subject": 50, "points": [rule]})
    sampling.draw(user, task.pk, seed="a1")
    tasks.set_assessors(user, task.pk, [{"user": assessor.pk}])
    for action in ("start", "close_collecting"):
        tasks.move(user, task.pk, action)
    client.force_login(user)
    assert client.post(f"/evaluation/tasks/{task.pk}/export/{kind}/").status_code == 302
    output = Output.objects.get()
    exports.write(output.pk, task.pk, kind)
    output.refresh_from_db()
    assert output.state == "ready" and output.file.size > 200
    content = output.file.read()
    if kind == "workbook":
        import openpyxl

        book = openpyxl.load_workbook(io.BytesIO(content))
        assert len(book.sheetnames) == 3
        rows = list(book.worksheets[0].values)
        assert rows[1][1] in ("甲区", "乙区") and rows[1][3] == "—"
    elif kind == "report":
        from docx import Document

        words = "\n".join(one.text for one in Document(io.BytesIO(content)).paragraphs)
        assert "甲区" in words and "缺" in words
    elif kind == "points-csv":
        assert content.decode("utf-8-sig").count("\n") == task.points.count() + 1


def test_the_api_reads(client, user):
    model = make_model(user, [leaf(computed(user, "filed", full_value="9", zero_value="0"), "100")])
    task = make_task(user, model, ["990101", "990102"])
    client.force_login(user)
    assert client.get("/api/evaluation-models/").json()["count"] == 1
    tree = client.get(f"/api/evaluation-models/{model.pk}/").json()["tree"]
    assert tree[0]["indicator"]["source"] == "filed" and tree[0]["weight"] == "100"
    assert client.get(f"/api/evaluation-tasks/{task.pk}/results/").status_code == 409
    for action in ("start", "close_collecting", "publish"):
        tasks.move(user, task.pk, action)
    found = client.get(f"/api/evaluation-tasks/{task.pk}/results/").json()
    assert [row["rank"] for row in found] == [1, 1] and found[0]["scores"][0]["steps"]
    client.force_login(make_user(role="leader", area="990101"))
    assert [row["name"] for row in client.get(f"/api/evaluation-tasks/{task.pk}/results/").json()] == ["甲区"]
    client.force_login(make_user(role="leader", area="990102001"))
    assert client.get(f"/api/evaluation-tasks/{task.pk}/results/").status_code == 404


@pytest.mark.parametrize("role", ["acceptor", "department", "grid_worker", "system_admin"])
def test_strangers_stay_outside(client, user, role):
    model = make_model(user, [leaf(computed(user), "100")])
    task = make_task(user, model, ["990101"])
    client.force_login(make_user(role=role, area="" if role == "grid_worker" else "9901"))
    for path in ("", "models/", "indicators/", f"models/{model.pk}/", "tasks/new/"):
        assert client.get(f"/evaluation/{path}").status_code in (403, 404), path
    for path in ("", "sample/", "values/", "field/", "results/", "sample/points.json"):
        assert client.get(f"/evaluation/tasks/{task.pk}/{path}").status_code in (403, 404), path
    for path in ("move/start/", "delete/", "assessors/", "sample/draw/", "export/workbook/", "recompute/"):
        client.post(f"/evaluation/tasks/{task.pk}/{path}")
    task.refresh_from_db()
    assert task.state == "draft" and not Output.objects.exists()
    with pytest.raises(Problem):
        authoring.new_version(make_user(role=role, area="9901"), model.pk)
