"""The same figures, slowly: pure Python over the lines of the log, as the domain reference words them.

Knows nothing of the product's SQL, triggers or tables of facts. ``clocks`` are the deadlines in force after
each line ({line id: (handling due, closing due, step due)}), which a log does not tell.
"""

from collections import defaultdict

from cases.models import Transition

UNIT = ("dispatched", "handling", "rework")
HANDLED = ("handled", "verifying_after", "verified", "closed")


class Past:
    """A case as it was just before ``b``."""

    def __init__(self, lines, clocks, b):
        self.state, self.unit, self.handled, self.closed = None, None, None, None
        self.due, self.close_due = None, None
        for line in lines:
            if line.at >= b:
                break
            if line.to_unit_id:
                self.unit = line.to_unit_id
            if line.action == "return_back" and line.from_state in UNIT:
                self.unit = None
            if line.action == "report_handled":
                self.handled = line.at
            if line.action == "verify_fail":
                self.handled = None
            if line.action in ("close", "confirm_self_handled"):
                self.closed = line.at
            self.state = line.to_state
            self.due, self.close_due, _step = clocks[line.id]


def first(lines, *actions):
    return next((line.at for line in lines if line.action in actions), None)


def figures(cases, clocks, a, b, key=lambda case, past: ""):
    """{key: {code: number}} of the city management cases given, over P = [a, b)."""
    logs = defaultdict(list)
    for line in Transition.objects.order_by("id"):
        logs[line.case_id].append(line)
    found = defaultdict(lambda: defaultdict(int))
    for case in cases:
        lines = logs[case.pk]
        if not lines or lines[0].at >= b:
            continue
        past = Past(lines, clocks, b)
        one = found[key(case, past)]
        for code, times in _case(case, lines, past, a, b).items():
            one[code] += int(times)
        for line in lines:
            returned_by = (line.detail or {}).get("returned_by")
            by_unit = returned_by is not None and line.unit_id == returned_by
            if line.action == "return_back" and by_unit and a <= line.at < b:
                found[key(case, _Unit(returned_by))]["returned"] += 1
        for code, unit in _checks(lines, clocks, a, b):
            found[key(case, _Unit(unit))][code] += 1
    return {k: {code: n for code, n in row.items() if n} for k, row in found.items() if any(row.values())}


class _Unit:
    def __init__(self, unit):
        self.unit = unit


def _case(case, lines, past, a, b):
    def flow(*actions):
        at = first(lines, *actions)
        return at is not None and a <= at < b

    def before(*actions):
        at = first(lines, *actions)
        return at is not None and at < b

    reported = flow("report")
    valid = before("file_case", "auto_file", "confirm_self_handled")
    sent = before("dispatch", "auto_dispatch")
    with_unit = past.state in UNIT
    handled = sent and past.state in HANDLED and past.handled is not None and past.handled >= a
    late = with_unit and past.due is not None and past.due < b
    filed = before("file_case", "auto_file")
    closed = filed and past.state == "closed" and past.closed >= a
    open_filed = filed and past.state not in ("closed", "void", "rejected", "suspended", "reported", None)
    close_late = open_filed and past.close_due is not None and past.close_due < b
    sending = next((line for line in lines if line.action in ("dispatch", "auto_dispatch")), None)
    gone = past.state in ("void", "rejected")
    voiding = next((line for line in lines if line.to_state == "void" and line.action != "merge"), None)
    voided = voiding is not None and a <= voiding.at < b
    return {
        "reported": reported,
        "valid": reported and valid,
        "invalid": reported and not valid and gone,
        "to_accept": past.state == "reported",
        "accepted": flow("accept", "auto_accept"),
        "rejected": flow("reject"),
        "filed": flow("file_case", "auto_file"),
        "dispatched": flow("dispatch", "auto_dispatch"),
        "auto_dispatched": flow("dispatch", "auto_dispatch") and sending.action == "auto_dispatch",
        "voided": voided,
        "merged": flow("merge"),
        "checked": flow("verify_pass", "verify_fail"),
        "due_handle": handled or late,
        "handled": handled,
        "handled_on_time": handled and past.handled <= past.due,
        "pending_handle": with_unit,
        "pending_on_time": with_unit and not late,
        "pending_overdue": late,
        "suspended": past.state == "suspended",
        "due_close": closed or close_late,
        "closed": closed,
        "closed_on_time": closed and past.closed <= past.close_due,
        "not_closed": close_late,
        "pending_close": open_filed,
        "close_overdue": close_late,
        "extended": flow("approve_extend"),
        "reworked": flow("verify_fail"),
        "supervised": flow("supervise"),
        "by_supervisor": reported and case.source == "supervisor",
        "self_by_supervisor": reported and case.source == "supervisor" and case.self_handled,
        "by_public": reported and case.source in ("public", "hotline"),
        "valid_by_public": reported and case.source in ("public", "hotline") and valid,
        "self_reported": reported and case.self_handled,
        "self_closed": flow("confirm_self_handled"),
        "self_void": voided and case.self_handled,
    }


def _checks(lines, clocks, a, b):
    """(code, unit) for each look on the spot whose limit ends in P."""
    unit = None
    for number, line in enumerate(lines):
        if line.to_unit_id:
            unit = line.to_unit_id
        if line.action == "return_back" and line.from_state in UNIT:
            unit = None
        if line.action not in ("ask_verify_before", "ask_verify_after"):
            continue
        kind = line.action.removeprefix("ask_verify_")
        due = clocks[line.id][2]
        if not a <= due < b:
            continue
        end = next((later for later in lines[number + 1 :] if later.to_state != line.to_state), None)
        verdict = end is not None and end.action.startswith("verify_")
        if end is not None and not verdict and end.at < b:
            continue
        yield f"{kind}_due", unit
        if verdict and end.at < b:
            yield f"{kind}_done", unit
            yield f"{kind}_on_time" if end.at <= due else f"{kind}_late", unit
