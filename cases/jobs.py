"""Background work on cases."""

from procrastinate.contrib.django import app

from cases import exports
from cases.evaluation import exports as evaluation_exports


@app.task
def export_cases(output_id: int, query: dict) -> None:
    """Write a workbook of cases for an output. Begun again after a crash, it begins anew."""
    exports.write_cases(output_id, query)


@app.task
def export_evaluation(output_id: int, task_id: int, kind: str) -> None:
    """Write a workbook, a report or the sample's points of an evaluation for an output."""
    evaluation_exports.write(output_id, task_id, kind)
