"""An import from the upload to its end: taken, started, run by the worker, cancelled, forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from cases import actions
from cases.importing import check, read
from cases.importing.check import BAD, NEW, THERE, Checked
from cases.models import Case, CaseImport
from geo import outputs
from geo.problems import Problem

KEPT = timedelta(days=7)
# How many rows there are between two looks at whether it was cancelled.
STEP = 10
# Where a problem of a report points > the column.
POINTERS = {"lon": "lon", "type": "type", "source": "source", "complaint_kind": "kind", "attachments": "type"}
State = CaseImport.State


def take(user, file) -> CaseImport:
    """Read and judge an uploaded workbook; no case is made yet."""
    sheet = read.read(file)
    name = PurePosixPath(file.name.replace("\\", "/")).name[-120:] or "cases.xlsx"
    imported = CaseImport(owner=user, file_name=name, sha256=sheet.sha256, rows=sheet.rows)
    _judge(imported, check.check(user, sheet.sha256, sheet.rows))
    imported.save()
    return imported


def _judge(imported: CaseImport, checked: list[Checked]) -> None:
    imported.fates = [one.fate() for one in checked]
    imported.total = len(checked)
    imported.there = sum(one.there for one in checked)
    imported.refused = sum(bool(one.problems) for one in checked)
    imported.good = imported.total - imported.there - imported.refused


def start(user, pk: int) -> None:
    """Hand an import to the worker. Problems: 409 it runs or has ended, or another of mine runs."""
    from cases import jobs

    with transaction.atomic():
        # In the order of their keys, so that two who start at once do not wait for each other.
        rows = CaseImport.objects.select_for_update().filter(owner=user).order_by("pk")
        mine = {one.pk: one for one in rows.defer("rows", "fates")}
        imported = mine[pk]
        if imported.busy or imported.ended:
            raise Problem(_("This import is “%s”.") % imported.get_state_display(), status=409, kind="state")
        if any(one.busy for one in mine.values()):
            raise Problem(_("Another import of yours is running; wait for its end."), status=409, kind="busy")
        if not imported.good:
            raise Problem(_("No row of this file can be imported."), kind="empty")
        CaseImport.objects.filter(pk=pk).update(state=State.WAITING, done=0, message="")
        jobs.import_cases.defer(import_id=pk)


def cancel(user, pk: int) -> None:
    """Stop an import. Cases made so far stay; their rows are told."""
    with transaction.atomic():
        imported = CaseImport.objects.select_for_update().get(owner=user, pk=pk)
        if not imported.busy:
            raise Problem(_("This import is “%s”.") % imported.get_state_display(), status=409, kind="state")
        imported.state, imported.finished_at = State.CANCELLED, timezone.now()
        imported.rows = _refused_rows(imported.rows, imported.fates)
        imported.save(update_fields=["state", "finished_at", "rows"])


def forget(user, pk: int) -> None:
    """Remove an import that does not run; its cases stay."""
    with transaction.atomic():
        imported = CaseImport.objects.select_for_update().get(owner=user, pk=pk)
        if imported.busy:
            raise Problem(_("Cancel it first."), status=409, kind="state")
        imported.delete()


def _refused_rows(rows: list[dict], fates: list[dict]) -> list[dict]:
    bad = {fate["row"] for fate in fates if fate["fate"] == BAD}
    return [row for row in rows if row["row"] in bad]


class _Cancelled(Exception):
    """The owner does not want the rest."""


def run(pk: int) -> str:
    """For the worker. Run again after a crash, it goes on: what is a case already is found by its key."""
    imported = CaseImport.objects.select_related("owner").filter(pk=pk).first()
    if imported is None or not imported.busy:
        return "nothing to do"
    # The first start is kept, so that cases made before a crash count as this import's.
    imported.started_at = imported.started_at or timezone.now()
    going = CaseImport.objects.filter(pk=pk, state__in=CaseImport.BUSY)
    if not going.update(state=State.RUNNING, started_at=imported.started_at):
        return "nothing to do"
    with override(imported.owner.language or "zh-hans"):
        try:
            return _run(imported)
        except Exception:
            words = _("Something failed on the server. Start it again: nothing is made twice.")
            going.update(state=State.FAILED, message=words, finished_at=timezone.now())
            raise


def _run(imported: CaseImport) -> str:
    user = imported.owner
    # Judged anew: places, types and rights may have changed since it was shown.
    checked = check.check(user, imported.sha256, imported.rows)
    before = Case.objects.filter(
        client_key__in=[one.key for one in checked], reporter=user, reported_at__gte=imported.started_at
    )
    made = dict(before.values_list("client_key", "number"))
    fates, state = [one.fate() for one in checked], State.DONE
    try:
        for at, one in enumerate(checked):
            if at % STEP == 0:
                _progress(imported, at, fates)
            if one.key in made:
                one.number = made[one.key]
                fates[at] = one.fate(NEW)
            elif fates[at]["fate"] not in (THERE, BAD):
                fates[at] = _report(user, one)
    except _Cancelled:
        state = State.CANCELLED
    _end(imported, fates, state)
    return str(state)


def _counts(fates: list[dict]) -> dict[str, int]:
    names = [fate["fate"] for fate in fates]
    return {"created": names.count(NEW), "there": names.count(THERE), "refused": names.count(BAD)}


def _progress(imported: CaseImport, done: int, fates: list[dict]) -> None:
    going = CaseImport.objects.filter(pk=imported.pk, state=State.RUNNING)
    if not going.update(done=done, **_counts(fates)):
        raise _Cancelled


def _report(user, one: Checked) -> dict:
    values, words = one.values, one.words
    try:
        case, is_new = actions.report(
            user,
            one.place,
            client_key=one.key,
            flow_name=words["flow"],
            source=words["source"],
            type=one.type,
            component=one.component,
            description=values.get("description", ""),
            address=values.get("address", ""),
            urgent=bool(words["urgent"]),
            complaint_kind=words.get("kind", ""),
            contact=one.contact,
        )
    except Problem as problem:
        if problem.kind == "client-key":
            # A colleague brought the same file this moment.
            return one.fate(THERE)
        for error in problem.errors or [{"pointer": "", "detail": str(problem.detail)}]:
            column = POINTERS.get(error.get("pointer", "").strip("/").split("/")[0], "")
            one.wrong(column, str(error["detail"]))
        return one.fate(BAD)
    one.number = case.number
    return one.fate(NEW if is_new else THERE)


def _end(imported: CaseImport, fates: list[dict], state: str) -> None:
    counts = _counts(fates)
    done = len(fates) if state == State.DONE else sum(counts.values())
    with transaction.atomic():
        CaseImport.objects.filter(pk=imported.pk).update(
            state=state,
            fates=fates,
            rows=_refused_rows(imported.rows, fates),
            done=done,
            finished_at=timezone.now(),
            **counts,
        )
        if state == State.DONE:
            outputs.tell(
                imported.owner,
                _("“%s” is imported") % imported.file_name,
                detail=_("%(created)d new cases, %(there)d already there, %(refused)d refused") % counts,
                url=reverse("case-import", args=[imported.uuid]),
                icon="upload",
            )


def forget_old() -> int:
    """At night: imports go after a week, with the rows they still hold; how many."""
    old = CaseImport.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.exclude(state__in=CaseImport.BUSY).delete()[0]
