"""Files made by jobs: begun, told how far they are, finished with a notice, fetched by their owner alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.core.files import File
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from geo import events
from geo.models import Notice, Output
from geo.problems import Problem

KEPT = timedelta(days=30)
MOST_WAITING = 5


class Cancelled(Exception):
    """The owner does not want the file any more."""


def tell(user, title: str, *, detail: str = "", url: str = "", icon: str = "bell") -> Notice:
    """Leave a notice and let an open page know. Inside the caller's transaction."""
    return tell_all([notice(user, title, detail=detail, url=url, icon=icon)])[0]


def notice(user, title: str, *, detail: str = "", url: str = "", icon: str = "bell") -> Notice:
    """A notice that is not written yet, cut to what fits."""
    return Notice(user=user, title=_cut(title, 120), detail=_cut(detail, 300), url=url, icon=icon)


def tell_all(notices: list[Notice]) -> list[Notice]:
    """Leave notices to many in two statements. Inside the caller's transaction."""
    notices = Notice.objects.bulk_create(notices)
    events.emit_all("messages", [(one.pk, {"user_id": one.user_id, "verb": "notice"}) for one in notices])
    return notices


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def begin(user, title: str, defer: Callable[[int], object]) -> Output:
    """Note that a file is wanted and hand it to a job: ``defer(output id)``, in the same transaction."""
    going = Output.objects.filter(user=user, state__in=(Output.State.WAITING, Output.State.RUNNING)).count()
    if going >= MOST_WAITING:
        raise Problem(
            _("%d files are being made for you already; wait for one of them.") % going,
            status=409,
            kind="busy",
        )
    with transaction.atomic():
        output = Output.objects.create(user=user, title=title[:120])
        defer(output.pk)
    return output


@contextmanager
def making(pk: int) -> Iterator[tuple[Output, Callable[[int, int], None]] | None]:
    """For the job: the output and ``progress(done, all)``; None when there is nothing left to do.

    A job that runs again after its worker died begins anew. What it raises is kept as the output's problem.
    """
    output = Output.objects.select_related("user").filter(pk=pk).first()
    if output is None or output.state in (Output.State.READY, Output.State.CANCELLED):
        yield None
        return
    Output.objects.filter(pk=pk).update(state=Output.State.RUNNING, started_at=timezone.now())

    def progress(done: int, every: int) -> None:
        going = Output.objects.filter(pk=pk).exclude(state=Output.State.CANCELLED)
        if not going.update(done_rows=done, all_rows=every):
            raise Cancelled

    with override(output.user.language or "zh-hans"):
        try:
            yield output, progress
        except Cancelled:
            return
        except Exception as error:
            words = str(error) if isinstance(error, Problem) else _("Something failed on the server.")
            with transaction.atomic():
                Output.objects.filter(pk=pk).update(
                    state=Output.State.FAILED, problem=words[:300], finished_at=timezone.now()
                )
                tell(
                    output.user,
                    _("“%s” failed") % output.title,
                    detail=words,
                    url=reverse("outputs"),
                    icon="bang",
                )
            raise


def finish(output: Output, file, name: str) -> None:
    """Keep the file and tell its owner."""
    output.refresh_from_db()
    output.file.save(name, File(file), save=False)
    with transaction.atomic():
        output.state, output.finished_at = Output.State.READY, timezone.now()
        output.save(update_fields=["file", "state", "finished_at"])
        tell(
            output.user,
            _("“%s” is ready") % output.title,
            detail=_("%d rows") % output.all_rows,
            url=reverse("outputs"),
            icon="download",
        )


def cancel(user, pk: int) -> None:
    """Stop making a file, or forget one that is there."""
    output = Output.objects.filter(user=user, pk=pk).first()
    if output is None:
        raise Problem(_("There is no such file."), status=404, kind="not-found")
    if output.state in (Output.State.WAITING, Output.State.RUNNING):
        Output.objects.filter(pk=pk).update(state=Output.State.CANCELLED, finished_at=timezone.now())
        return
    if output.file:
        output.file.delete(save=False)
    output.delete()


def clean_up() -> int:
    """Files older than 30 days go; how many."""
    old = Output.objects.filter(created_at__lt=timezone.now() - KEPT)
    for output in old.exclude(file=""):
        output.file.delete(save=False)
    Notice.objects.filter(at__lt=timezone.now() - KEPT).delete()
    return old.delete()[0]
