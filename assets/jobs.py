"""Imports and exports in the background."""

from assets import exchange as exchanges
from geo.jobs import LONG, app


@app.task(queue=LONG, name="assets.run_exchange")
def run_exchange(exchange: int) -> str:
    """Run an import or export; a second run of one that is done does nothing."""
    return exchanges.run(exchange)


@app.periodic(cron="41 19 * * *")
@app.task(queueing_lock="assets.forget_old_exchanges", name="assets.forget_old_exchanges")
def forget_old_exchanges(timestamp: int) -> int:
    """At night (03:41 in Shanghai): files of imports and exports go after a week."""
    return exchanges.forget_old()
