"""Indicators, models and tasks in the tiny city."""

from datetime import date

from cases.evaluation import authoring, tasks
from cases.models import EvaluationModel, Indicator
from tests.factories import make_user

FROM, TO = date(2026, 10, 1), date(2026, 11, 1)


def make_evaluator(area: str = "9901", **values):
    return make_user(role="evaluator", area=area, **values)


def computed(user, source: str = "close_rate", **values) -> Indicator:
    values = {"full_value": "95", "zero_value": "60", "direction": "higher"} | values
    data = {"name": f"指标 {source}", "kind": "computed", "source": source, **values}
    return authoring.save_indicator(user, None, data)


def reported(user, **values) -> Indicator:
    values = {"full_value": "0", "zero_value": "10", "direction": "lower", "unit": "起"} | values
    return authoring.save_indicator(user, None, {"name": "重大舆情", "kind": "reported", **values})


def field(user, problems=None, **values) -> Indicator:
    problems = problems or [
        {"name": "井盖破损", "points": "2.5", "cap": "5"},
        {"name": "暴露垃圾", "points": "40"},
    ]
    data = {"name": "街面秩序", "kind": "field", "problems": problems, **values}
    return authoring.save_indicator(user, None, data)


def leaf(indicator: Indicator, weight: str) -> dict:
    return {"name": indicator.name, "weight": weight, "indicator": indicator.pk}


def make_model(user, tree: list, subject: str = "area", area_code: str = "9901") -> EvaluationModel:
    model = authoring.create_model(user, name="模型", subject=subject, area_code=area_code)
    authoring.save_tree(user, model.pk, revision=0, tree=tree)
    return authoring.publish_model(user, model.pk)


def make_task(user, model, subjects, **values):
    values = {"period_from": FROM, "period_to": TO, "area_code": "9901", "name": "十月评价"} | values
    return tasks.create_task(user, model=model, subjects=subjects, **values)


def item(task, name: str):
    return task.model.items.get(name=name)


def subject(task, code: str):
    return task.subjects.get(code=code)
