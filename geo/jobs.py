"""Background and periodic work of the ground, and how jobs behave here.

Jobs live in PostgreSQL (procrastinate); each app has its own in ``jobs.py``, beginning with the ``app`` here.
A job is idempotent by the state of the rows it touches, because it may run again: whoever dies in the
middle (``kill -9``, a power cut) leaves a stalled job, which is put back within two minutes.
"""

from datetime import timedelta

from axes.models import AccessLog
from django.core.management import call_command
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from geo import attachments, idempotency, notifications, outputs, tallies, webhooks
from geo.models import Event, IdempotencyKey
from geo.notifications import sending

# For work that may fail for a passing reason (network, lock): five more tries over about an hour.
PATIENT = RetryStrategy(max_attempts=6, exponential_wait=4)
# Jobs that wait on somebody outside have a queue and a worker of their own: no export waits for a gateway.
OUTSIDE = "outside"
# Jobs that may take a minute or more (files, proposals, tidying) have theirs too: no clock waits for them.
LONG = "long"
# A worker without a sign of life for so long is dead (it gives one every ten seconds).
STALLED_SECONDS = 60
EVENT_DAYS = 3
LOGIN_LOG_DAYS = 180
DONE_JOB_HOURS = 7 * 24


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="geo.retry_stalled", pass_context=True)
async def retry_stalled(context, timestamp: int) -> int:
    """Put the jobs of dead workers back into the queue."""
    manager = context.app.job_manager
    count = 0
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await manager.retry_job(job)
        count += 1
    return count


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="geo.fold_tallies")
def fold_tallies(timestamp: int) -> int:
    """Fold the deltas of the measures into their sums; readers add both, so that lateness costs only time."""
    return tallies.fold()


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="geo.clean_jobs", pass_context=True)
async def clean_jobs(context, timestamp: int) -> None:
    """Forget finished jobs after a week; failed ones stay to be looked at for four."""
    manager = context.app.job_manager
    await manager.delete_old_jobs(nb_hours=DONE_JOB_HOURS)
    await manager.delete_old_jobs(nb_hours=4 * DONE_JOB_HOURS, include_failed=True, include_cancelled=True)


@app.periodic(cron="23 19 * * *")
@app.task(queue=LONG, queueing_lock="geo.clean_up")
def clean_up(timestamp: int) -> dict[str, int]:
    """At night (03:23 in Shanghai): what has served its time goes. Counts are returned and end in the log."""
    now = timezone.now()
    keys = IdempotencyKey.objects.filter(created_at__lt=now - timedelta(days=idempotency.KEPT_DAYS))
    events = Event.objects.filter(at__lt=now - timedelta(days=EVENT_DAYS))
    logins = AccessLog.objects.filter(attempt_time__lt=now - timedelta(days=LOGIN_LOG_DAYS))
    call_command("clearsessions")
    return {
        "client keys": keys.delete()[0],
        "events": events.delete()[0],
        "log-ins": logins.delete()[0],
        "orphaned attachments": attachments.delete_orphans(),
        "outputs": outputs.clean_up(),
        "webhook deliveries": webhooks.clean_up(),
        **sending.clean_up(),
    }


@app.task(queue=OUTSIDE, retry=PATIENT)
def deliver_message(message_id: int) -> str:
    """Hand a message to its gateway; one that was delivered, refused or given up is left alone."""
    return notifications.deliver(message_id)


@app.task(queue=OUTSIDE)
def deliver_webhook(delivery_id: int, attempt: int, force: bool = False) -> str:
    """Post an event to a webhook; the next attempt, if one is needed, is a job of its own."""
    return webhooks.deliver(delivery_id, attempt, force=force)
