"""Background work on cases."""

from procrastinate.contrib.django import app

from cases import exports, timers


@app.task
def export_cases(output_id: int, query: dict) -> None:
    """Write a workbook of cases for an output. Begun again after a crash, it begins anew."""
    exports.write_cases(output_id, query)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="cases.ring_clocks")
def ring_clocks(timestamp: int) -> int:
    """Ring the clocks of cases that are due: warnings, overdue, supervision, reviews (``cases.timers``)."""
    return timers.ring_due()
