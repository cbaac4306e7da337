"""Background work of the tile cache."""

from geo.jobs import LONG, app
from tiles import cache
from tiles.queries import bins


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="tiles.drop_tiles")
def drop_tiles(timestamp: int) -> int:
    """Drop what the stream process did not; it is quicker where it runs."""
    return cache.drop_waiting()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="tiles.fold_bins")
def fold_bins(timestamp: int) -> int:
    """Fold the changes of counted cells into their sums; readers add both, so lateness costs only time."""
    return bins.fold()


@app.periodic(cron="41 * * * *")
@app.task(queue=LONG, queueing_lock="tiles.tidy")
def tidy(timestamp: int) -> int:
    """Remove tiles of older versions and those nobody made anew for a week."""
    return cache.tidy()
