"""Results: the table with ranks, and for each figure how it came about."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cases.evaluation import exports, results, scoring, tasks, telling
from cases.evaluation.pages.common import crumbs, find, frame
from cases.models import EvaluationModel, EvaluationTask

State = EvaluationTask.State


def _scored(request, task: EvaluationTask, context: dict) -> None:
    """Results are read once published; before that in review, by those who manage."""
    if task.state in EvaluationTask.TOLD or (context["manages"] and task.state == State.REVIEW):
        return
    raise Http404


@login_required
@never_cache
@require_GET
def results_page(request, pk: int):
    """The table by peer group, what is missing, and the files."""
    task = find(request, pk)
    context = frame(request, task, "results")
    _scored(request, task, context)
    subjects = exports.subjects_for(request.user, task)
    columns, rows = telling.table(task, subjects)
    groups: dict[str, list] = {}
    for row in rows:
        groups.setdefault(tasks.peers_label(task.model.subject, row.subject.peers), []).append(row)
    gaps = results.gaps(task, [one.pk for one in subjects])
    context |= {
        "columns": columns,
        "groups": list(groups.items()),
        "post": task.model.subject == EvaluationModel.Subject.POST,
        "gaps": [(gap, telling.why_missing(gap.why)) for gap in gaps],
        "parts": len(subjects) != task.subjects.count(),
    }
    return render(request, "cases/evaluation/results.html", context)


@login_required
@never_cache
@require_GET
def subject_page(request, pk: int, subject: int):
    """One subject: the whole tree with every computation."""
    task = find(request, pk)
    context = frame(request, task, "results")
    _scored(request, task, context)
    who = next((one for one in exports.subjects_for(request.user, task) if one.pk == subject), None)
    if who is None:
        raise Http404
    context |= {
        "who": who,
        "peers": tasks.peers_label(task.model.subject, who.peers),
        "score": scoring.shown(scoring.exact(who.score) if who.score else None),
        "lines": telling.lines_of(task, [who])[who.pk],
        "total": telling.total_of(task, who),
        "crumbs": crumbs(
            {"label": task.name, "url": reverse("evaluation-results", args=[pk])},
            {"label": who.name, "url": ""},
        ),
        "heading": _("Why this score"),
    }
    return render(request, "cases/evaluation/subject.html", context)
