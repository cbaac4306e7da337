"""Background work on cases."""

from cases import announce as announcing
from cases import exports, rule_alarms, timers
from cases.evaluation import exports as evaluation_exports
from cases.evaluation import reminding
from cases.importing import run as importing
from cases.public import actions as public_actions
from cases.statistics import bulletin
from cases.statistics import exports as statistics_exports
from geo.jobs import LONG, PATIENT, app


@app.task(queue=LONG)
def export_cases(output_id: int, query: dict, kind: str = "xlsx") -> None:
    """Write a file of cases for an output. Begun again after a crash, it begins anew."""
    exports.write_cases(output_id, query, kind)


@app.task(queue=LONG)
def export_statistics(output_id: int, query: dict, kind: str) -> None:
    """Write a table of statistics as a workbook or a PDF. Begun again after a crash, it begins anew."""
    statistics_exports.write(output_id, query, kind)


@app.task(queue=LONG)
def make_report(output_id: int, report_id: int) -> None:
    """Write a bulletin or a public-concern report. Begun again after a crash, it begins anew."""
    bulletin.write(output_id, report_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="cases.ring_clocks")
def ring_clocks(timestamp: int) -> int:
    """Ring the clocks of cases that are due: warnings, overdue, supervision, reviews (``cases.timers``)."""
    return timers.ring_due()


@app.task(retry=PATIENT)
def announce(case_id: int, lines: list[int]) -> dict[str, int]:
    """Tell people and programs outside what was done to a case; told again, nothing doubles."""
    return announcing.announce(case_id, lines)


@app.task(queue=LONG)
def export_evaluation(output_id: int, task_id: int, kind: str) -> None:
    """Write a workbook, a report or the sample's points of an evaluation for an output."""
    evaluation_exports.write(output_id, task_id, kind)


@app.periodic(cron="7 * * * *")
@app.task(queueing_lock="cases.remind_of_evaluations")
def remind_of_evaluations(timestamp: int) -> int:
    """Call the due days of evaluations to mind, the working day before and once when they have passed."""
    return reminding.ring_due()


@app.periodic(cron="41 19 * * *")
@app.task(queueing_lock="cases.clean_up_public")
def clean_up_public(timestamp: int) -> dict[str, int]:
    """At night: what residents left and is not needed any more."""
    return public_actions.clean_up()


@app.periodic(cron="17 22 * * *")
@app.task(queueing_lock="cases.tell_rule_alarms")
def tell_rule_alarms(timestamp: int) -> int:
    """Before the office opens: new alarms of the dispatch rules, to those who may change them."""
    return rule_alarms.tell_new()


@app.task(queue=LONG)
def import_cases(import_id: int) -> str:
    """Make cases of a checked workbook's rows. Begun again after a crash, it makes none twice."""
    return importing.run(import_id)


@app.periodic(cron="43 19 * * *")
@app.task(queueing_lock="cases.forget_old_imports")
def forget_old_imports(timestamp: int) -> int:
    """At night: imports of cases go after a week, with the rows they still hold."""
    return importing.forget_old()
