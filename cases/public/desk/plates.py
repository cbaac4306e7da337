"""QR plates for components: a sheet to print; each opens the residents' page for its component."""

from __future__ import annotations

import io
import re

import segno
from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from assets.models import Component, ItemType
from cases.public import telling
from cases.public.desk import pages
from geo import audit
from geo.net import client_address
from geo.pages.common import crumbs, office
from geo.rest import parse_area
from grids.planning.report_pdf import font

EXPORT = "assets.export"
MOST = 480
# Plates on an A4 sheet: 3 x 8, each 62 x 34 mm, cut along the lines.
COLUMNS, ROWS, WIDE, HIGH = 3, 8, 62 * mm, 34 * mm


class PlatesForm(forms.Form):
    """Which components: by codes, or by area and type."""

    codes = forms.CharField(
        label=gettext_lazy("Codes"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One a line or with spaces; or choose an area and a type below."),
    )
    area = forms.CharField(label=gettext_lazy("Area code"), required=False, max_length=12)
    type = forms.ModelChoiceField(
        ItemType.objects.filter(kind=ItemType.Kind.COMPONENT, active=True),
        label=gettext_lazy("Type"),
        required=False,
    )

    def clean(self):
        said = super().clean()
        if not (said.get("codes") or said.get("area") or said.get("type")):
            self.add_error(None, _("Name codes, an area or a type."))
        return said


@pages.both
@office(EXPORT)
def plates(request):
    """The form, and the sheet as a PDF. Only components within one's scope of exporting."""
    initial = {"codes": request.GET.get("codes", ""), "area": request.GET.get("area", "")}
    form = PlatesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        found = chosen(request.user, form.cleaned_data)
        if len(found) > MOST:
            form.add_error(None, _("More than %d components; choose fewer at a time.") % MOST)
        elif not found:
            form.add_error(None, _("No component within your scope fits this."))
        else:
            audit.log(request.user, "public.plates", ip=client_address(request), count=len(found))
            base = telling.address_outside() or request.build_absolute_uri("/").rstrip("/")
            response = HttpResponse(sheet(found, base), content_type="application/pdf")
            response["Content-Disposition"] = (
                f'attachment; filename="plates-{timezone.localdate():%Y%m%d}-{len(found)}.pdf"'
            )
            response["Cache-Control"] = "no-store"
            return response
    return render(
        request,
        "geo/manage/form.html",
        {
            "title": _("QR plates"),
            "lead": _(
                "A sheet of plates to print and cut. Whoever reads one reports at that component at once."
            ),
            "crumbs": crumbs((_("City data"), ""), (_("QR plates"), "")),
            "form": form,
            "verb": _("Make the sheet"),
            "back": reverse("list-components"),
        },
    )


def chosen(user, said) -> list[Component]:
    """The components asked for, as far as the user may export them; at most one more than a sheet takes."""
    rows = Component.objects.for_user(user, EXPORT).exclude(state=Component.State.REMOVED)
    if codes := re.findall(r"\d{16,17}", said.get("codes", "")):
        rows = rows.filter(code__in=codes)
    if area := said.get("area", "").strip():
        rows = rows.filter(area_code__startswith=parse_area(area))
    if said.get("type"):
        rows = rows.filter(type=said["type"])
    return list(rows.select_related("type").order_by("code")[: MOST + 1])


def sheet(components: list[Component], base: str) -> bytes:
    """The plates as a PDF, A4."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.setTitle(str(_("QR plates")))
    left, top = (A4[0] - COLUMNS * WIDE) / 2, A4[1] - (A4[1] - ROWS * HIGH) / 2
    for number, component in enumerate(components):
        place = number % (COLUMNS * ROWS)
        if number and place == 0:
            canvas.showPage()
        x = left + place % COLUMNS * WIDE
        y = top - (place // COLUMNS + 1) * HIGH
        _plate(canvas, component, f"{base}{reverse('public:component', args=[component.code])}", x, y)
    canvas.save()
    return buffer.getvalue()


def _plate(canvas: Canvas, component: Component, address: str, x: float, y: float) -> None:
    canvas.setLineWidth(0.3)
    canvas.setStrokeGray(0.75)
    canvas.rect(x, y, WIDE, HIGH)
    size = HIGH - 8 * mm
    _qr(canvas, address, x + 3 * mm, y + 5.5 * mm, size)
    canvas.setFillGray(0.1)
    text = x + size + 6 * mm
    name = font()
    canvas.setFont(name, 11)
    canvas.drawString(
        text, y + HIGH - 9 * mm, _fitted(canvas, str(component.type), name, 11, x + WIDE - text)
    )
    canvas.setFont(name, 7.5)
    canvas.drawString(text, y + HIGH - 15 * mm, str(_("Broken? Scan and report")))
    if settings.PUBLIC_HOTLINE:
        hotline = str(_("Hotline %s")) % settings.PUBLIC_HOTLINE
        canvas.drawString(text, y + HIGH - 19.5 * mm, hotline)
    canvas.setFont("Courier", 7)
    canvas.drawString(x + 3 * mm, y + 2 * mm, component.code)


def _fitted(canvas: Canvas, text: str, name: str, size: float, room: float) -> str:
    while text and canvas.stringWidth(text, name, size) > room - 1 * mm:
        text = text[:-1]
    return text


def _qr(canvas: Canvas, text: str, x: float, y: float, size: float) -> None:
    """The code as filled runs of modules, error correction M."""
    matrix = segno.make(text, error="m", micro=False).matrix
    step = size / len(matrix)
    path = canvas.beginPath()
    for row, modules in enumerate(matrix):
        start = None
        for column, dark in enumerate((*modules, 0)):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                path.rect(x + start * step, y + size - (row + 1) * step, (column - start) * step, step)
                start = None
    canvas.setFillGray(0)
    canvas.drawPath(path, stroke=0, fill=1)
