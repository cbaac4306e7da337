"""Background and periodic work of the grids."""

from django.utils.translation import override

from geo.jobs import LONG, PATIENT, app
from grids import actions
from grids.models import Plan
from grids.planning import draft, proposals, publish, report


@app.periodic(cron="7,37 * * * *")
@app.task(queueing_lock="grids.end_forgotten_shifts")
def end_forgotten_shifts(timestamp: int) -> int:
    """End shifts whose worker forgot to punch out four hours after their planned end."""
    return actions.end_forgotten_shifts()


@app.task(retry=PATIENT)
def prepare_plan(plan_id: int) -> None:
    """Make the blocks of a plan; a plan that is ready is left alone."""
    with override(Plan.objects.values_list("created_by__language", flat=True).get(pk=plan_id) or "zh-hans"):
        draft.prepare(plan_id)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="grids.publish_due_plans")
def publish_due_plans(timestamp: int) -> dict[str, int]:
    """Publish plans whose day has come, within five minutes of midnight in Shanghai or of the start."""
    return publish.publish_due()


@app.task(queue=LONG)
def export_plan(output_id: int, plan_id: int, format: str, base_id: int | None = None) -> None:
    """Make a plan's report, workbook or GeoPackage. Begun again after a crash, it begins anew."""
    report.make(output_id, plan_id, format, base_id)


@app.task(queue=LONG)
def run_proposal(proposal: int) -> str:
    """Work out a proposal of grids; one that is over is left alone."""
    return proposals.run(proposal)
