"""Background work on cases."""

from procrastinate.contrib.django import app

from cases import exports, timers
from cases.statistics import bulletin
from cases.statistics import exports as statistics_exports


@app.task
def export_cases(output_id: int, query: dict) -> None:
    """Write a workbook of cases for an output. Begun again after a crash, it begins anew."""
    exports.write_cases(output_id, query)


@app.task
def export_statistics(output_id: int, query: dict, kind: str) -> None:
    """Write a table of statistics as a workbook or a PDF. Begun again after a crash, it begins anew."""
    statistics_exports.write(output_id, query, kind)


@app.task
def make_report(output_id: int, report_id: int) -> None:
    """Write a bulletin or a public-concern report. Begun again after a crash, it begins anew."""
    bulletin.write(output_id, report_id)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="cases.ring_clocks")
def ring_clocks(timestamp: int) -> int:
    """Ring the clocks of cases that are due: warnings, overdue, supervision, reviews (``cases.timers``)."""
    return timers.ring_due()
