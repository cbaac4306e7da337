"""Background work on cases."""

from procrastinate.contrib.django import app

from cases import exports


@app.task
def export_cases(output_id: int, query: dict) -> None:
    """Write a workbook of cases for an output. Begun again after a crash, it begins anew."""
    exports.write_cases(output_id, query)
