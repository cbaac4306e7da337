"""From a figure to its cases: a figure as a word in an address, which the console's filters understand.

``stat=closed;2026-11;by=unit;key=5;area=9901`` names a count, a period, the row of a table, and what it was
narrowed by. It is a question, not an answer: whoever opens it sees of these cases what he may see.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from cases.statistics import names, periods, sql
from cases.statistics.counts import COUNTS, FLOWS
from geo.rest import bad_parameter, parse_pk

# When a running period was counted, as an address has it.
MOMENT = "%Y%m%dT%H%M%S.%fZ"


def token(question: sql.Question, code: str, key: str | None = None) -> str:
    """The word for a figure of the question's first period."""
    parts = [code, question.periods[0].text]
    if question.flow != COUNTS[code].flows[0]:
        parts.append(f"flow={question.flow}")
    if key is not None and question.by != "all":
        parts += [f"by={question.by}", f"key={key}"]
    parts += [f"{name}={value}" for name, value in question.of.items()]
    if question.borders:
        parts.append(f"borders={question.borders.isoformat()}")
    if question.edition:
        parts.append("edition=new")
    if question.until and sql.bounds(question.periods[0], question.until)[1] == question.until:
        parts.append(f"at={question.until.astimezone(UTC):{MOMENT}}")
    return ";".join(parts)


def read(text: str, user=None) -> tuple[sql.Question, str, str | None]:
    """The question, the count's code and the row's key behind a word; 400 when it is none."""
    code, _semicolon, rest = text.partition(";")
    period, _semicolon, rest = rest.partition(";")
    said = dict(part.partition("=")[::2] for part in rest.split(";") if part)
    try:
        flow = said.pop("flow", COUNTS[code].flows[0])
        by, key = said.pop("by", "all"), said.pop("key", None)
        borders = said.pop("borders", "")
        edition = bool(said.pop("edition", ""))
        moment = said.pop("at", "")
        until = datetime.strptime(moment, MOMENT).replace(tzinfo=UTC) if moment else None
        if flow not in COUNTS[code].flows or flow not in FLOWS or by not in sql.DIMENSIONS:
            raise ValueError
        if any(name not in sql.FILTERS for name in said):
            raise ValueError
        for name in ("type", "unit", "person", "company"):
            if name in said:
                parse_pk(name, said[name])
        question = sql.Question(
            flow,
            (periods.read(period),),
            user,
            by,
            said,
            date.fromisoformat(borders) if borders else None,
            edition,
            until,
        )
    except (KeyError, ValueError):
        raise bad_parameter(
            "stat", _("stat is a word that a page of statistics made; open it anew.")
        ) from None
    return question, code, key


def narrow(rows: QuerySet, text: str, user) -> QuerySet:
    """Of these cases the ones behind a figure, as far as the user may count them."""
    question, code, key = read(text, user)
    if user is None or not user.can(sql.PERMISSION):
        return rows.none()
    inner = sql.cases_of(question, code, key)
    return rows.filter(pk__in=RawSQL(inner.replace("%", "%%"), []))


def words(text: str, user=None) -> str:
    """The figure in words: "Closed · 2026-11 · Sewage works"."""
    question, code, key = read(text)
    if user is None or not user.can(sql.PERMISSION):
        return str(COUNTS[code].label)
    said = [str(COUNTS[code].label), question.periods[0].label]
    if key is not None:
        said.append(names.of(question.by, [key], question).get(key, key))
    said += [names.of(name, [value], question).get(value, value) for name, value in question.of.items()]
    if question.borders:
        said.append(_("borders of %s") % question.borders.isoformat())
    return " · ".join(dict.fromkeys(said))
