"""What these pages share: who may enter, which task, a refusal that comes back as a message."""

from __future__ import annotations

import functools

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.evaluation import exports, tasks
from cases.models import EvaluationTask
from cases.models.evaluation import ASSESS, MANAGE, VIEW
from geo.problems import Problem

State = EvaluationTask.State
ENTRIES = (VIEW, MANAGE, ASSESS)


def find(request, pk: int) -> EvaluationTask:
    """The task, if the caller may see it in its state."""
    task = EvaluationTask.objects.for_user(request.user).select_related("model").filter(pk=pk).first()
    if task is None:
        raise Http404
    return task


def manages(user, task: EvaluationTask) -> bool:
    return user.scope.covers(MANAGE, task.area_code)


def need(user, task: EvaluationTask) -> None:
    """Only for those who manage the task."""
    if not manages(user, task):
        raise Problem(_("Only those who manage the task may do this."), status=403, kind="forbidden")


def back(view):
    """Refusals of a posted form become a message on the page it came from (``next`` or the view's own)."""

    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            # A form sent behind its page stays there with all that was typed.
            if request.headers.get("X-In-Place"):
                raise
            if problem.status in (403, 404) and "text/html" not in request.headers.get("Accept", ""):
                raise
            messages.error(request, problem.detail)
            for error in problem.errors[:5]:
                if error["detail"] != problem.detail:
                    messages.error(request, error["detail"])
            return HttpResponseRedirect(_where(request, kwargs))

    return login_required(wrapper)


def after(request, default: str) -> str:
    """Where the form said it came from, if that is one of these pages."""
    wanted = request.POST.get("next", "")
    return wanted if wanted.startswith("/evaluation/") and "//" not in wanted else default


def _where(request, kwargs) -> str:
    if wanted := after(request, ""):
        return wanted
    if "/tasks/" in request.path and "pk" in kwargs:
        return reverse("evaluation-task", args=[kwargs["pk"]])
    return reverse("evaluation")


def crumbs(*steps) -> list[dict]:
    return [{"label": _("Evaluation"), "url": reverse("evaluation")}, *steps]


def frame(request, task: EvaluationTask, tab: str) -> dict:
    """What every page of a task shows: its head, its tabs, what can be done next."""
    user = request.user
    may_manage = manages(user, task)
    kinds = leaf_kinds(task)
    assesses = user.can(ASSESS) and task.assessors.filter(user=user).exists()
    collects = task.state != State.DRAFT and (may_manage or assesses)
    found = [("task", _("Task"), "evaluation-task", True)]
    found.append(
        ("sampling", _("Sample"), "evaluation-sampling", "field" in kinds and (may_manage or assesses))
    )
    found.append(("data", _("Filled in"), "evaluation-data", "reported" in kinds and collects))
    found.append(("field", _("On the spot"), "evaluation-field", "field" in kinds and collects))
    scored = task.state in EvaluationTask.TOLD or (may_manage and task.state == State.REVIEW)
    found.append(("results", _("Results"), "evaluation-results", scored))
    return {
        "task": task,
        "period": exports.period_words(task),
        "manages": may_manage,
        "assesses": assesses,
        "kinds": kinds,
        "tabs": [
            {"id": id, "label": label, "url": reverse(name, args=[task.pk]), "current": id == tab}
            for id, label, name, shown in found
            if shown
        ],
        "moves": tasks.moves_from(task.state) if may_manage else [],
        "crumbs": crumbs({"label": task.name, "url": ""}),
    }


def leaf_kinds(task: EvaluationTask) -> set[str]:
    """Which kinds of indicators a task's model has."""
    found = task.model.items.exclude(definition=None).values_list("definition__kind", flat=True)
    return set(found.order_by())
