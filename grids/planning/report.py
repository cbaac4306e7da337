"""A plan as a file: a report with maps (PDF), a workbook, a GeoPackage. Made by a job."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from geo import audit, outputs
from geo.models import Area
from geo.problems import Problem
from grids.models import Plan
from grids.planning import compare, figures
from grids.planning.compare import Comparison
from grids.planning.counting import COUNTED, FROM
from grids.planning.state import Draft

FORMATS = {"pdf": "PDF", "xlsx": "Excel", "gpkg": "GeoPackage"}


@dataclass
class Content:
    """What a report tells. ``figures`` and ``told`` are what the API tells of the plan and the comparison."""

    draft: Draft
    comparison: Comparison
    figures: dict
    told: dict
    communities: list[str]
    author: str = ""

    @property
    def plan(self) -> Plan:
        return self.draft.plan

    @property
    def title(self) -> str:
        return self.plan.name

    def facts(self) -> list[tuple[str, str]]:
        """Lines at the head of every format."""
        plan, sides = self.plan, (self.comparison.a, self.comparison.b)
        return [
            (_("Plan"), plan.name),
            (
                pgettext("of a plan", "Communities"),
                pgettext("between items of a list", ", ").join(self.communities),
            ),
            (pgettext("of a plan", "State"), str(plan.get_state_display())),
            (_("Effective on"), str(plan.effective_on or _("not set"))),
            (_("Compared with"), sides[0].title),
            (pgettext("of a plan", "Grids"), f"{len(sides[0].grids)} → {len(sides[1].grids)}"),
            (
                _("Standard"),
                _("%(low)s to %(high)s households") % {"low": plan.standard_low, "high": plan.standard_high},
            ),
            (_("Revision"), str(plan.revision)),
            (_("Counted at"), _moment(self.figures["counted_at"])),
            (pgettext("of a plan", "Note"), plan.note),
        ]


def _moment(text: str) -> str:
    if not text:
        return ""
    return timezone.localtime(timezone.datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M")


def fates() -> dict[str, str]:
    return {
        "same": pgettext("grid of a plan", "unchanged"),
        "changed": pgettext("grid of a plan", "changed"),
        "new": pgettext("grid of a plan", "new"),
        "gone": pgettext("grid of a plan", "retired"),
    }


def stands() -> dict[str | None, str]:
    return {
        "under": pgettext("standard", "under"),
        "within": pgettext("standard", "within"),
        "over": pgettext("standard", "over"),
        None: "",
    }


def severities() -> dict[str, str]:
    return {"error": _("Error"), "warning": _("Warning"), "hint": _("Hint")}


def content(plan: Plan, base: Plan | None = None, author: str = "") -> Content:
    """Read a plan and compare it with today or with another plan."""
    drafts = [Draft.load(one) if one else None for one in (plan, base)]
    for draft in filter(None, drafts):
        figures.refresh(draft)
    comparison = compare.of(*drafts)
    names = dict(Area.objects.filter(valid_to=None, code__in=plan.communities).values_list("code", "name"))
    return Content(
        draft=drafts[0],
        comparison=comparison,
        figures=figures.of(drafts[0]),
        told=compare.told(comparison),
        communities=[names.get(code, code) for code in plan.communities],
        author=author,
    )


def make(output_id: int, plan_id: int, format: str, base_id: int | None = None) -> None:
    """Make the file of an output."""
    with outputs.making(output_id) as work:
        if work is None:
            return
        output, progress = work
        # The right to see both plans, as it is when the file is made.
        seen = Plan.objects.for_user(output.user)
        plan, base = seen.filter(pk=plan_id).first(), seen.filter(pk=base_id).first() if base_id else None
        if plan is None or (base_id and base is None):
            raise Problem(_("There is no such plan."), status=404, kind="not-found")
        found = content(plan, base, str(output.user))
        every = len(found.told["grids"])
        progress(0, every)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"plan.{format}"
            _writer(format)(found, str(path))
            progress(every, every)
            audit.log(
                output.user, "plans.export", plan, area_code=plan.area_code, format=format, base=base_id
            )
            with path.open("rb") as file:
                name = f"plan-{plan.pk}-{timezone.localtime():%Y%m%d-%H%M%S}.{format}"
                outputs.finish(output, file, name)


def _writer(format: str):
    if format == "pdf":
        # Its library is loaded by the worker that needs it.
        from grids.planning.report_pdf import write_pdf

        return write_pdf
    return {"xlsx": write_xlsx, "gpkg": write_gpkg}[format]


# --- The workbook -----------------------------------------------------------------------------------


def write_xlsx(found: Content, path: str) -> None:
    """Sheets: the plan, its grids before and after, what moves, faults, what the figures mean."""
    book = xlsxwriter.Workbook(path)
    head = book.add_format({"bold": True, "bg_color": "#e0efee", "text_wrap": True, "valign": "top"})
    numbers = {n: book.add_format({"num_format": "#,##0" + ("." + "0" * n if n else "")}) for n in (0, 1, 2)}
    told, columns = found.told, found.told["measures"]

    sheet = book.add_worksheet(_("Plan"))
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 70)
    for at, (label, value) in enumerate(found.facts()):
        sheet.write_string(at, 0, label, head)
        sheet.write_string(at, 1, value)

    def table(name, labels, rows, decimals=None, widths=None):
        sheet = book.add_worksheet(name)
        for column, label in enumerate(labels):
            sheet.write_string(0, column, label, head)
            sheet.set_column(column, column, (widths or {}).get(column, 12))
        for at, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, int | float):
                    sheet.write_number(at, column, value, numbers[(decimals or {}).get(column, 0)])
                elif value is not None:
                    sheet.write_string(at, column, str(value))
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, max(1, len(rows)), len(labels) - 1)

    labels, decimals = [_("Code"), _("Name"), pgettext("of a grid", "Change"), _("Against the standard")], {}
    for column in columns:
        unit = f" ({column['unit']})" if column["unit"] else ""
        for when in (pgettext("figure of a plan", "before"), pgettext("figure of a plan", "after")):
            decimals[len(labels)] = min(column["decimals"], 2)
            labels.append(f"{column['label']}{unit} · {when}")
    rows = []
    for grid in told["grids"]:
        a, b = grid["a"] or {}, grid["b"] or {}
        row = [grid["code"], grid["name"], fates()[grid["fate"]], stands()[b.get("status")]]
        for column in columns:
            row += [a.get(column["id"], 0 if a else None), b.get(column["id"], 0 if b else None)]
        rows.append(row)
    table(_("Grids"), labels, rows, decimals, {0: 18, 1: 18})

    flows = [column for column in columns if column["id"] not in ("load_per_worker", "compactness")]
    table(
        _("What moves"),
        [
            pgettext("grid", "From"),
            pgettext("grid", "To"),
            _("In words"),
            *(column["label"] for column in flows),
        ],
        [
            [move["from"] or "", move["to"], move["sentence"], *(move.get(c["id"], 0) for c in flows)]
            for move in told["moves"]
        ],
        widths={0: 18, 1: 18, 2: 50},
    )
    table(
        _("Faults"),
        [_("Gravity"), _("What"), _("Longitude (WGS-84)"), _("Latitude (WGS-84)")],
        [
            [severities()[fault["severity"]], fault["text"], *_middle(fault)]
            for fault in found.figures["faults"]
        ],
        {2: 2, 3: 2},
        {1: 70, 2: 18, 3: 18},
    )
    table(
        pgettext("of figures", "Definitions"),
        [_("Figure"), _("How it is counted")],
        [[column["label"], column["definition"]] for column in columns],
        widths={0: 24, 1: 90},
    )
    book.set_properties({"title": found.title, "author": found.author})
    book.close()


def _middle(fault) -> list[str]:
    if not fault["bbox"]:
        return ["", ""]
    west, south, east, north = fault["bbox"]
    return [f"{(west + east) / 2:.6f}", f"{(south + north) / 2:.6f}"]


# --- The GeoPackage ---------------------------------------------------------------------------------


def write_gpkg(found: Content, path: str) -> None:
    """Layers: grids, before, changed, blocks, faults (WGS-84), and the tables plan and measures."""
    names = {column["id"]: column["id"].replace(":", "_") for column in found.told["measures"]}
    a, b = found.comparison.a, found.comparison.b

    def held(figures: dict | None) -> dict:
        return {name: (figures or {}).get(id, 0) for id, name in names.items()}

    rows = {grid["code"]: grid for grid in found.told["grids"]}
    numbers = {grid.code: number for number, grid in found.draft.grids.items()}
    _layer(
        path,
        "grids",
        [
            {
                "code": code,
                "name": grid.name,
                "kind": grid.kind,
                "number": numbers.get(code),
                "fate": rows[code]["fate"],
                "status": rows[code]["b"]["status"] or "",
                **held(rows[code]["b"]),
            }
            for code, grid in b.grids.items()
            if code in b.shapes
        ],
        [shape for code, shape in b.shapes.items() if code in b.grids],
    )
    _layer(
        path,
        "before",
        [
            {"code": code, "name": a.name(code), "fate": rows[code]["fate"], **held(rows[code]["a"])}
            for code in a.shapes
        ],
        list(a.shapes.values()),
    )
    moves = {(move["from"] or "", move["to"]): move for move in found.told["moves"]}
    changed = found.comparison.changed()
    _layer(
        path,
        "changed",
        [
            {
                "from_code": old,
                "to_code": new,
                "from_name": a.name(old),
                "to_name": b.name(new),
                "sentence": moves[old, new]["sentence"],
                **held(moves[old, new]),
            }
            for old, new, _ground in changed
        ],
        [ground for _old, _new, ground in changed],
    )
    blocks = list(found.draft.blocks.values())
    _layer(
        path,
        "blocks",
        [
            {
                "id": block.id,
                "grid": found.draft.grids[block.grid].code,
                "community": block.community,
                "estate": block.estate,
                **held({k: v for k, v in block.figures.items() if k not in (FROM, COUNTED)}),
            }
            for block in blocks
        ],
        [block.geom for block in blocks],
    )
    faults = [fault for fault in found.figures["faults"] if fault["geometry"]]
    _layer(
        path,
        "faults",
        [{name: fault[name] for name in ("kind", "severity", "text")} for fault in faults],
        [shapely.geometry.shape(fault["geometry"]) for fault in faults],
    )
    # Heavy, and only needed by the worker.
    import pandas as pd
    import pyogrio

    measures = pd.DataFrame(found.told["measures"]).assign(column=list(names.values()))
    pyogrio.write_dataframe(measures, path, layer="measures", driver="GPKG")
    facts = pd.DataFrame(found.facts(), columns=["label", "value"])
    pyogrio.write_dataframe(facts, path, layer="plan", driver="GPKG")


def _layer(path: str, name: str, rows: list[dict], shapes: list) -> None:
    """A layer of a GeoPackage; one without rows is there all the same."""
    import pyogrio
    from geopandas import GeoDataFrame

    whole = [
        shapely.multipolygons([part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"])
        for shape in shapes
    ]
    frame = GeoDataFrame(rows, geometry=np.array(whole, dtype=object), crs="EPSG:4326")
    pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", geometry_type="MultiPolygon")
