"""Supervision orders (督办单): what was ordered, to whom, what was missed, and the reply.

An order names the case and its unit, never who reported it.
"""

from __future__ import annotations

import io

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt

from cases import queries
from cases.models import Supervision
from geo.models import Area

STATES = ("open", "late", "replied")


def listed(user) -> QuerySet:
    """Orders within the user's scope, newest first, with what a line shows."""
    rows = Supervision.objects.for_user(user).select_related("case", "case__type", "unit")
    return rows.defer("case__decision").order_by("-at", "-pk")


def in_state(state: str) -> Q:
    """Orders that wait for a reply, wait past its day, or were replied to."""
    if state == "replied":
        return Q(replied_at__isnull=False)
    waiting = Q(replied_at=None)
    return waiting & Q(reply_due_at__lt=timezone.now()) if state == "late" else waiting


def find(user, number: str) -> Supervision | None:
    """An order with all that its paper shows."""
    rows = Supervision.objects.for_user(user).filter(number=number)
    return rows.select_related(
        *(
            "case",
            "case__type",
            "case__reporter",
            "unit",
            "ordered_by",
            "replied_by",
            "replied_by__organisation",
        )
    ).first()


def _moment(when) -> str:
    return timezone.localtime(when).strftime("%Y-%m-%d %H:%M") if when else "—"


def lines(user, order: Supervision) -> list[tuple[str, str]]:
    """The order as (label, words), in the reader's language."""
    case = order.case
    # The unit complained about does not learn from the paper who reported, whatever else that person does.
    hidden = case.reporter_id in (order.ordered_by_id, order.replied_by_id) and not queries.sees_reporter(
        user, case
    )

    def name(person) -> str:
        return "" if person is None or (hidden and person.pk == case.reporter_id) else str(person)

    code = case.area_code
    names = Area.objects.filter(code__in={code[:6], code[:9], code}, valid_to=None).order_by("code")
    told = [
        (_("Order number"), order.number),
        (_("Level"), str(order.get_level_display())),
        (_("To the unit"), str(order.unit or "—")),
        (_("Ordered at"), _moment(order.at)),
        (_("Ordered by"), name(order.ordered_by) or (_("By rule") if order.ordered_by_id is None else "—")),
        (_("Case"), f"{case.number} {case.type or ''}".strip()),
        (_("Place"), f"{' '.join(names.values_list('name', flat=True))} {case.address}".strip()),
        (_("Description"), case.description or "—"),
    ]
    if order.clock:
        told.append((_("Deadline missed"), _moment(order.clock)))
    if order.reason:
        told.append((_("Reason"), order.reason))
    told.append((_("Reply by"), _moment(order.reply_due_at)))
    if order.replied_at:
        who = order.replied_by.organisation if order.replied_by else None
        told += [
            (_("Reply"), order.reply),
            (_("Replied by"), " · ".join(filter(None, (str(who or ""), name(order.replied_by)))) or "—"),
            (_("Replied at"), _moment(order.replied_at)),
        ]
    else:
        told.append((_("Reply"), _("None yet")))
    return told


def document(user, order: Supervision) -> bytes:
    """The order as a Word file."""
    paper = Document()
    style = paper.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(12)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "宋体")
    paper.core_properties.title = order.number
    heading = paper.add_heading(_("Supervision order"), level=0)
    heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
    table = paper.add_table(rows=0, cols=2, style="Table Grid")
    for label, words in lines(user, order):
        cells = table.add_row().cells
        cells[0].text, cells[1].text = label, words
        cells[0].paragraphs[0].runs[0].bold = True
    with io.BytesIO() as file:
        paper.save(file)
        return file.getvalue()
