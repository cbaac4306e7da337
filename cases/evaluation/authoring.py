"""Verbs on indicators and models: drafts are edited, published versions are frozen and copied."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.evaluation import sources
from cases.models import EvaluationModel, Indicator, ModelItem
from cases.models.evaluation import MANAGE
from geo import audit
from geo.models import Area
from geo.problems import Problem
from geo.texts import fitting, shortened

MOST_ITEMS, DEEPEST = 200, 4

audit.ACTIONS |= {
    "evaluation_indicator.save": gettext_lazy("Changed an indicator of evaluation"),
    "evaluation_model.create": gettext_lazy("Made an evaluation model"),
    "evaluation_model.change": gettext_lazy("Changed an evaluation model"),
    "evaluation_model.publish": gettext_lazy("Published an evaluation model"),
    "evaluation_model.retire": gettext_lazy("Took an evaluation model out of use"),
    "evaluation_model.delete": gettext_lazy("Deleted a draft of an evaluation model"),
}


def _refuse(errors: list[dict]) -> None:
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)


def number(text, pointer: str, errors: list, *, low=None, high=None, places=4) -> Decimal | None:
    """A decimal that somebody typed; what is wrong with it goes to ``errors``."""
    try:
        found = Decimal(str(text).strip())
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or abs(found) >= 10**10:
        errors.append({"pointer": pointer, "detail": _("“%s” is not a number.") % str(text)[:40]})
        return None
    if -found.as_tuple().exponent > places:
        errors.append({"pointer": pointer, "detail": _("At most %d decimals.") % places})
        return None
    if (low is not None and found < low) or (high is not None and found > high):
        detail = _("Between %(low)s and %(high)s, not %(value)s.")
        words = {"low": low, "high": high if high is not None else "…", "value": text}
        errors.append({"pointer": pointer, "detail": detail % words})
        return None
    return found


# --- Indicators ---------------------------------------------------------------------------------------


def save_indicator(user, pk: int | None, data: dict) -> Indicator:
    """Make or change an indicator. Published models keep it as it was when they were published.

    ``data``: code, name, kind, unit, direction, full_value, zero_value, steps [[threshold, score]], problems
    [{name, points, cap}], source, note, active; numbers as text.
    """
    _need(user)
    errors: list[dict] = []
    kind = data.get("kind", "")
    if kind not in Indicator.Kind.values:
        errors.append({"pointer": "/kind", "detail": _("Choose the kind of indicator.")})
    if not (name := fitting(str(data.get("name", "")), 80, "name")):
        errors.append({"pointer": "/name", "detail": _("Give the indicator a name.")})
    values = {
        "name": name,
        "kind": kind,
        "unit": fitting(str(data.get("unit", "")), 12, "unit"),
        "direction": data.get("direction") or Indicator.Direction.HIGHER,
        "note": fitting(str(data.get("note", "")), 300, "note"),
        "active": bool(data.get("active", True)),
        "full_value": None,
        "zero_value": None,
        "steps": [],
        "problems": [],
        "source": "",
    }
    if values["direction"] not in Indicator.Direction.values:
        errors.append({"pointer": "/direction", "detail": _("Say whether higher or lower is better.")})
    if kind == Indicator.Kind.FIELD:
        values["unit"] = _("points")
        values["problems"] = _problems(data.get("problems") or [], errors)
    elif kind:
        _scale(values, data, errors)
    if kind == Indicator.Kind.COMPUTED:
        statistic = sources.known().get(str(data.get("source", "")))
        if statistic is None:
            errors.append({"pointer": "/source", "detail": _("Choose the statistic it is computed from.")})
        else:
            values["source"], values["unit"] = statistic[0].code, str(statistic[0].unit)
    _refuse(errors)
    with transaction.atomic():
        if pk is None:
            code = fitting(str(data.get("code", "")), 40, "code") or _free_code("i")
            if Indicator.objects.filter(code=code).exists():
                detail = _("There is an indicator with the code %s already.") % code
                raise Problem(detail, errors=[{"pointer": "/code", "detail": detail}])
            row = Indicator(code=code)
        else:
            row = Indicator.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                raise Problem(_("There is no such indicator."), status=404, kind="not-found")
        for field, value in values.items():
            setattr(row, field, value)
        row.save()
        audit.log(user, "evaluation_indicator.save", row, **row.definition())
    return row


def _need(user) -> None:
    if not user.can(MANAGE):
        raise Problem(_("Your roles do not manage evaluations."), status=403, kind="forbidden")


def _free_code(letter: str) -> str:
    return f"{letter}-{uuid.uuid4().hex[:8]}"


def _scale(values: dict, data: dict, errors: list) -> None:
    """Full and zero value, or steps; whichever way is better must agree with them."""
    higher = values["direction"] != Indicator.Direction.LOWER
    if data.get("steps"):
        values["steps"] = steps = []
        rows = [row for row in data["steps"] if any(str(part).strip() for part in row)]
        for at, row in enumerate(rows):
            threshold = number(row[0], f"/steps/{at}/0", errors)
            score = number(row[1], f"/steps/{at}/1", errors, low=0, high=100, places=2)
            if threshold is None or score is None:
                return
            if steps:
                before = Decimal(steps[-1][0])
                if threshold >= before if higher else threshold <= before:
                    detail = _("Line %d: thresholds go from the best down; this one is out of order.")
                    errors.append({"pointer": f"/steps/{at}/0", "detail": detail % (at + 1)})
                if score >= Decimal(steps[-1][1]):
                    detail = _("Line %d: the score must be lower than in the line before.")
                    errors.append({"pointer": f"/steps/{at}/1", "detail": detail % (at + 1)})
            steps.append([f"{threshold.normalize():f}", f"{score.normalize():f}"])
        if steps:
            return
    full = number(data.get("full_value", ""), "/full_value", errors)
    zero = number(data.get("zero_value", ""), "/zero_value", errors)
    if full is None or zero is None:
        return
    if full <= zero if higher else full >= zero:
        detail = (
            _("Where higher is better, the full-score value must be above the zero-score value.")
            if higher
            else _("Where lower is better, the full-score value must be below the zero-score value.")
        )
        errors.append({"pointer": "/full_value", "detail": detail})
    values["full_value"], values["zero_value"] = full, zero


def _problems(rows: list, errors: list) -> list[dict]:
    found: list[dict] = []
    for at, row in enumerate(rows):
        name = fitting(str(row.get("name", "")), 80, f"problems/{at}/name")
        if not name:
            continue
        points = number(row.get("points", ""), f"/problems/{at}/points", errors, low=0, high=100, places=2)
        cap = str(row.get("cap") or "").strip()
        if points is not None and points == 0:
            errors.append({"pointer": f"/problems/{at}/points", "detail": _("A deduction is above 0.")})
        if cap and points is not None:
            most = number(cap, f"/problems/{at}/cap", errors, low=0, high=100, places=2)
            if most is not None and most < points:
                detail = _("“%s”: the cap is below a single deduction.") % name
                errors.append({"pointer": f"/problems/{at}/cap", "detail": detail})
        if points is not None:
            line = {"code": f"p{len(found) + 1}", "name": name, "points": f"{points.normalize():f}"}
            found.append(line | ({"cap": f"{Decimal(cap).normalize():f}"} if cap and not errors else {}))
    if not found and not errors:
        errors.append({"pointer": "/problems", "detail": _("List what points are deducted for.")})
    return found


# --- Models -------------------------------------------------------------------------------------------


def create_model(user, *, name: str, subject: str, area_code: str, note: str = "") -> EvaluationModel:
    """An empty draft."""
    errors = []
    if not (name := fitting(name, 80, "name")):
        errors.append({"pointer": "/name", "detail": _("Give the model a name.")})
    if subject not in EvaluationModel.Subject.values:
        errors.append({"pointer": "/subject", "detail": _("Choose what is evaluated.")})
    if not Area.objects.filter(code=area_code, valid_to=None).exists():
        detail = _("There is no area %s in force.") % area_code
        errors.append({"pointer": "/area_code", "detail": detail})
    _refuse(errors)
    if not user.scope.covers(MANAGE, area_code):
        raise Problem(_("Your role does not manage evaluations there."), status=403, kind="forbidden")
    with transaction.atomic():
        row = EvaluationModel.objects.create(
            code=_free_code("m"),
            name=name,
            subject=subject,
            area_code=area_code,
            note=fitting(note, 300, "note"),
            created_by=user,
        )
        audit.log(user, "evaluation_model.create", row, area_code=area_code, name=name)
    return row


def _locked(user, pk: int, state: str = EvaluationModel.State.DRAFT) -> EvaluationModel:
    """The model under lock, if the user manages it and it is in the state that the verb wants."""
    row = EvaluationModel.objects.for_user(user, MANAGE).select_for_update(of=("self",)).filter(pk=pk).first()
    if row is None:
        raise Problem(_("There is no such model, or not within your scope."), status=404, kind="not-found")
    if row.state != state:
        detail = (
            _("Version %d is in force and frozen. Make a new version to change it.") % row.version
            if row.state == EvaluationModel.State.PUBLISHED
            else _("This version is %s; that cannot be done with it.") % row.get_state_display()
        )
        raise Problem(detail, status=409, kind="frozen")
    return row


def save_tree(user, pk: int, *, revision: int, tree: list, name: str = "", note: str | None = None):
    """Replace a draft's tree: [{name, weight, indicator, children}], nested. Sums may still be wrong.

    ``revision`` is the one that was edited; another one meanwhile is refused (409). Answers the model.
    """
    with transaction.atomic():
        model = _locked(user, pk)
        if model.revision != revision:
            raise Problem(
                _("Somebody else has saved this model meanwhile. Load it anew; your changes are still here."),
                status=409,
                kind="stale",
                revision=model.revision,
            )
        indicators = Indicator.objects.in_bulk()
        errors: list[dict] = []
        flat = _flatten(tree, indicators, errors)
        _refuse(errors)
        model.items.all().delete()
        made: list[ModelItem] = []
        # Level by level: a child needs its parent's id.
        for level in range(DEEPEST):
            rows = [row for row in flat if row["level"] == level]
            for row in rows:
                row["item"] = ModelItem(
                    model=model,
                    parent=row["parent"]["item"] if row["parent"] else None,
                    position=row["position"],
                    name=row["name"],
                    weight=row["weight"],
                    indicator=row["indicator"],
                )
            made += ModelItem.objects.bulk_create([row["item"] for row in rows])
        model.revision += 1
        model.name = fitting(name, 80, "name") or model.name
        model.note = model.note if note is None else fitting(note, 300, "note")
        model.save()
        audit.log(user, "evaluation_model.change", model, area_code=model.area_code, items=len(made))
    return model


def _flatten(tree, indicators: dict, errors: list, parent=None, level=0, pointer="") -> list[dict]:
    found: list[dict] = []
    if not isinstance(tree, list) or level >= DEEPEST:
        detail = _("A model has at most %d levels.") % DEEPEST
        errors.append({"pointer": pointer or "/", "detail": detail})
        return found
    for at, given in enumerate(tree):
        here = f"{pointer}/{at}"
        given = given if isinstance(given, dict) else {}
        indicator = indicators.get(given.get("indicator"))
        name = fitting(str(given.get("name") or ""), 80, f"{here}/name".strip("/")) or (
            indicator.name if indicator else ""
        )
        if not name:
            errors.append({"pointer": f"{here}/name", "detail": _("An item needs a name.")})
        text = str(given.get("weight") or "").strip()
        weight = None
        if text:
            weight = number(text, f"{here}/weight", errors, low=0, high=100, places=2)
        else:
            errors.append({"pointer": f"{here}/weight", "detail": _("“%s” needs a weight.") % name})
        if weight is not None and weight == 0:
            errors.append({"pointer": f"{here}/weight", "detail": _("“%s”: the weight is above 0.") % name})
        row = {
            "parent": parent,
            "level": level,
            "position": at,
            "name": name,
            "weight": weight,
            "indicator": None if given.get("children") else indicator,
        }
        found.append(row)
        if given.get("children"):
            found += _flatten(given["children"], indicators, errors, row, level + 1, here)
    if level == 0 and len(found) > MOST_ITEMS:
        errors.append({"pointer": "/", "detail": _("A model has at most %d items.") % MOST_ITEMS})
    return found


def faults(model: EvaluationModel) -> list[str]:
    """What keeps a draft from being published, each in words."""
    items = list(model.items.select_related("indicator"))
    below: dict[int | None, list[ModelItem]] = {}
    for item in items:
        below.setdefault(item.parent_id, []).append(item)
    if not items:
        return [_("The model has no items yet.")]
    names = {item.pk: item.name for item in items}
    known, found = sources.known(), []
    for parent, children in below.items():
        total = sum(child.weight for child in children)
        if total != 100:
            where = _("“%s”") % names[parent] if parent else _("the top level")
            words = _("The weights under %(where)s add up to %(sum)s, not to 100.")
            found.append(words % {"where": where, "sum": f"{total.normalize():f}"})
    for item in items:
        if item.pk in below:
            continue
        if item.indicator is None:
            found.append(_("“%s” has neither an indicator nor items below it.") % item.name)
            continue
        indicator = item.indicator
        if indicator.kind == Indicator.Kind.COMPUTED:
            statistic = known.get(indicator.source)
            if statistic is None or model.subject not in statistic[0].by:
                words = _("“%(name)s” is computed from a statistic that %(subject)s do not have.")
                found.append(words % {"name": item.name, "subject": model.get_subject_display()})
        elif indicator.kind == Indicator.Kind.FIELD and model.subject == EvaluationModel.Subject.POST:
            found.append(
                _("“%s” is seen on the spot; posts are evaluated by counts and reports.") % item.name
            )
    return found


def publish_model(user, pk: int) -> EvaluationModel:
    """Freeze a draft: its items keep their indicators as they are now; the version before goes out of use."""
    with transaction.atomic():
        model = _locked(user, pk)
        if wrong := faults(model):
            errors = [{"pointer": "/tree", "detail": detail} for detail in wrong]
            raise Problem(wrong[0], kind="weights", errors=errors)
        items = list(model.items.select_related("indicator"))
        for item in items:
            item.definition = item.indicator.definition() if item.indicator else None
        ModelItem.objects.bulk_update(items, ["definition"])
        earlier = EvaluationModel.objects.filter(code=model.code, state=EvaluationModel.State.PUBLISHED)
        earlier.update(state=EvaluationModel.State.RETIRED)
        model.state, model.published_at = EvaluationModel.State.PUBLISHED, timezone.now()
        model.save()
        audit.log(user, "evaluation_model.publish", model, area_code=model.area_code, version=model.version)
    return model


def _copy_tree(source: EvaluationModel, target: EvaluationModel) -> None:
    items = list(source.items.all())
    copies: dict[int, ModelItem] = {}
    level = [item for item in items if item.parent_id is None]
    while level:
        for item in level:
            copies[item.pk] = ModelItem(
                model=target,
                parent=copies.get(item.parent_id),
                position=item.position,
                name=item.name,
                weight=item.weight,
                indicator_id=item.indicator_id,
            )
        ModelItem.objects.bulk_create([copies[item.pk] for item in level])
        above = {item.pk for item in level}
        level = [item for item in items if item.parent_id in above]


def new_version(user, pk: int) -> EvaluationModel:
    """A draft of the next version; the one that is there already, if somebody began it."""
    with transaction.atomic():
        source = _locked(user, pk, EvaluationModel.State.PUBLISHED)
        draft = EvaluationModel.objects.filter(code=source.code, state=EvaluationModel.State.DRAFT).first()
        if draft is not None:
            return draft
        last = EvaluationModel.objects.filter(code=source.code).aggregate(last=Max("version"))["last"]
        return _copied(user, source, code=source.code, version=last + 1, name=source.name)


def copy_model(user, pk: int) -> EvaluationModel:
    """A model of its own, like this one, as a draft."""
    with transaction.atomic():
        source = EvaluationModel.objects.for_user(user, MANAGE).filter(pk=pk).first()
        if source is None:
            raise Problem(
                _("There is no such model, or not within your scope."), status=404, kind="not-found"
            )
        name = shortened(_("Copy of %s") % source.name, 80)
        return _copied(user, source, code=_free_code("m"), version=1, name=name)


def _copied(user, source: EvaluationModel, **values) -> EvaluationModel:
    made = EvaluationModel.objects.create(
        subject=source.subject,
        area_code=source.area_code,
        note=source.note,
        copied_from=source,
        created_by=user,
        **values,
    )
    _copy_tree(source, made)
    audit.log(
        user, "evaluation_model.create", made, area_code=made.area_code, name=made.name, copied=source.pk
    )
    return made


def retire_model(user, pk: int) -> EvaluationModel:
    """No new tasks with this model; those that have it go on."""
    with transaction.atomic():
        model = _locked(user, pk, EvaluationModel.State.PUBLISHED)
        model.state = EvaluationModel.State.RETIRED
        model.save(update_fields=["state", "changed_at"])
        audit.log(user, "evaluation_model.retire", model, area_code=model.area_code)
    return model


def delete_draft(user, pk: int) -> None:
    """Throw a draft away."""
    with transaction.atomic():
        model = _locked(user, pk)
        audit.log(user, "evaluation_model.delete", model, area_code=model.area_code, name=model.name)
        model.delete()
