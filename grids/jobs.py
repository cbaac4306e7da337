"""Periodic work of the grids."""

from geo.jobs import app
from grids import actions


@app.periodic(cron="7,37 * * * *")
@app.task(queueing_lock="grids.end_forgotten_shifts")
def end_forgotten_shifts(timestamp: int) -> int:
    """End shifts whose worker forgot to punch out four hours after their planned end."""
    return actions.end_forgotten_shifts()
