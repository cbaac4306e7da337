"""Verbs of the workforce: punch in and out, check in.

Positions of staff are taken only between punch-in and punch-out; outside a shift they are refused and nothing
is stored. Inside a shift a check-in is kept whatever it shows, with the reasons for what it leaves open.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from geo import events
from geo.nearness import with_distance
from geo.problems import Problem
from geo.registry import places
from grids.models import CheckIn, Grid, RawPosition, Shift, Worker

LOW_ACCURACY_METRES = 200
FRESH = timedelta(minutes=2)
TOO_FAST_KMH = 150
# A shift may begin this long before its planned start.
EARLY = timedelta(hours=2)
UNPLANNED = timedelta(hours=8)
# A phone without signal may hand in later what it marked during a shift that is over by now.
LATE_SENDING = timedelta(hours=24)


@dataclass
class Fix:
    """A position as it arrived: EPSG:4326 point, the raw pair and its system, accuracy in metres, times."""

    point: Point
    raw_lon: float | None = None
    raw_lat: float | None = None
    crs: str = "wgs84"
    source: str = RawPosition.Source.BROWSER
    accuracy_m: float | None = None
    fix_at: datetime | None = None
    device_at: datetime | None = None


def worker_of(user) -> Worker:
    """The grid worker behind an account, or a problem."""
    worker = Worker.objects.filter(user=user, active=True).first() if user.is_authenticated else None
    if worker is None or not user.can("grids.check_in"):
        raise Problem(
            _("Only grid staff with a duty can do this; ask your system administrator."),
            status=403,
            kind="forbidden",
        )
    return worker


def running_shift(worker: Worker) -> Shift | None:
    """The shift between punch-in and punch-out."""
    return Shift.objects.filter(worker=worker, punched_in_at__isnull=False, punched_out_at=None).first()


def punch_in(
    user, fix: Fix | None = None, client_key: uuid.UUID | None = None, device_at: datetime | None = None
) -> Shift:
    """Begin the shift planned for now, or an unplanned one; a shift that runs is given back as it is.

    ``device_at`` is when the button was pressed, if the phone had no signal then.
    """
    worker = worker_of(user)
    now = timezone.now()
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        shift = running_shift(worker)
        if shift is None:
            shift = (
                Shift.objects.filter(
                    worker=worker,
                    punched_in_at=None,
                    planned_start__lte=now + EARLY,
                    planned_end__gt=now,
                )
                .order_by("planned_start")
                .first()
            )
            if shift is None:
                shift = Shift(
                    worker=worker, area_code=worker.area_code, planned_start=now, planned_end=now + UNPLANNED
                )
            shift.punched_in_at = _began(worker, device_at, now)
            shift.save()
            if fix is not None:
                _mark(user, worker, shift, fix, CheckIn.Kind.SIGN_IN, "", "", client_key or uuid.uuid4(), "")
    return shift


def punch_out(
    user, fix: Fix | None = None, client_key: uuid.UUID | None = None, device_at: datetime | None = None
) -> Shift:
    """End the running shift. From now on no position is taken."""
    worker = worker_of(user)
    with transaction.atomic():
        Worker.objects.select_for_update().get(pk=worker.pk)
        shift = running_shift(worker)
        if shift is None:
            raise Problem(_("No shift is running, so there is none to end."), status=409, kind="off-shift")
        if fix is not None:
            _mark(user, worker, shift, fix, CheckIn.Kind.SIGN_OUT, "", "", client_key or uuid.uuid4(), "")
        now = timezone.now()
        believed = device_at is not None and shift.punched_in_at <= device_at <= now
        shift.punched_out_at = device_at if believed else now
        shift.save(update_fields=["punched_out_at"])
    return shift


def _began(worker: Worker, said: datetime | None, now: datetime) -> datetime:
    """The device's time for a punch-in that waited in the phone, unless it lies in an earlier shift."""
    if said is None or not now - LATE_SENDING <= said <= now:
        return now
    if Shift.objects.filter(worker=worker, punched_out_at__gt=said, punched_in_at__isnull=False).exists():
        return now
    return said


def check_in(
    user,
    fix: Fix,
    *,
    client_key: uuid.UUID,
    kind: str = CheckIn.Kind.ARRIVE,
    target_kind: str = "",
    target_code: str = "",
    note: str = "",
) -> tuple[CheckIn, bool]:
    """Mark that a worker on shift is at a place; the mark, and whether it is new.

    ``target_kind`` is "grid" or the name of a table with a place ("component", "building", "case"); without
    one it is the nearest grid on duty. A retry under the same client key gets the first mark.
    """
    worker = worker_of(user)
    if known := CheckIn.objects.filter(client_key=client_key).first():
        return _own(known, worker), False
    shift = _shift_of(worker, fix)
    try:
        with transaction.atomic():
            mark = _mark(user, worker, shift, fix, kind, target_kind, target_code, client_key, note)
    except IntegrityError:
        known = CheckIn.objects.filter(client_key=client_key).first()
        if known is None:
            raise
        return _own(known, worker), False
    return mark, True


def _own(known: CheckIn, worker: Worker) -> CheckIn:
    if known.worker_id != worker.pk:
        raise Problem(
            _("This client key belongs to another check-in; use a new one."), status=422, kind="client-key"
        )
    return known


def _shift_of(worker: Worker, fix: Fix) -> Shift:
    """The running shift; for a mark that waited in the phone, the shift it was made in."""
    now = timezone.now()
    shift = running_shift(worker)
    made_at = fix.device_at or now
    if shift is not None and made_at >= shift.punched_in_at - FRESH:
        return shift
    past = (
        Shift.objects.filter(
            worker=worker,
            punched_in_at__lte=made_at,
            punched_out_at__gte=max(made_at, now - LATE_SENDING),
        ).first()
        if made_at < now
        else None
    )
    if past is None:
        raise Problem(
            _(
                "You are not on shift. Positions are taken only between punch-in and punch-out; "
                "nothing was stored. Punch in first."
            ),
            status=409,
            kind="off-shift",
        )
    return past


def _mark(user, worker, shift, fix: Fix, kind, target_kind, target_code, client_key, note) -> CheckIn:
    target = _target(user, worker, fix.point, target_kind, target_code)
    distance = target["distance_m"] if target else None
    radius = target["radius_m"] if target else 0
    result, reasons = judge(distance, radius, fix.accuracy_m, _age(fix))
    now = timezone.now()
    if fix.device_at and now - fix.device_at > FRESH:
        reasons.append("sent_later")
    if _too_fast(worker, fix):
        reasons.append("too_fast")
    punched = kind in (CheckIn.Kind.SIGN_IN, CheckIn.Kind.SIGN_OUT)
    mark = CheckIn.objects.create(
        worker=worker,
        shift=shift,
        kind=kind,
        geom=fix.point,
        raw_lon=fix.raw_lon,
        raw_lat=fix.raw_lat,
        raw_crs=fix.crs,
        position_source=fix.source,
        accuracy_m=fix.accuracy_m,
        fix_at=fix.fix_at,
        device_at=fix.device_at,
        target_kind=target["kind"] if target else "",
        target_code=target["code"] if target else "",
        target_name=target["name"] if target else "",
        radius_m=radius,
        distance_m=distance,
        result=result,
        reasons=reasons,
        flagged="too_fast" in reasons or (punched and result != CheckIn.Result.INSIDE),
        note=note.strip(),
        client_key=client_key,
    )
    mark.refresh_from_db(fields=["area_code", "grid", "unit_grid"])
    events.emit("check_ins", mark.pk, area_code=mark.area_code, verb="created")
    return mark


def judge(
    distance: float | None, radius: float, accuracy: float | None, age: timedelta | None
) -> tuple[str, list[str]]:
    """Inside, outside or uncertain, and the codes of what made it so (``CheckIn.REASONS``).

    ``distance`` to the geofence, its ``radius`` and the ``accuracy`` in metres: inside if d + a <= r,
    outside if d - a > r, else uncertain. Accuracy missing or over 200 m, or a fix older than two minutes
    (``age``), is uncertain.
    """
    reasons = []
    if accuracy is None:
        reasons.append("no_accuracy")
    elif accuracy > LOW_ACCURACY_METRES:
        reasons.append("low_accuracy")
    if age is not None and age > FRESH:
        reasons.append("old_fix")
    if distance is None:
        reasons.append("no_target")
    if reasons:
        return CheckIn.Result.UNCERTAIN, reasons
    if distance + accuracy <= radius:
        return CheckIn.Result.INSIDE, []
    if distance - accuracy > radius:
        return CheckIn.Result.OUTSIDE, []
    return CheckIn.Result.UNCERTAIN, ["near_border"]


def _age(fix: Fix) -> timedelta | None:
    """How old the position was when the mark was made, by the device's own clock where it told both."""
    if fix.fix_at is None:
        return None
    return (fix.device_at or timezone.now()) - fix.fix_at


def _target(user, worker: Worker, point: Point, kind: str, code: str) -> dict | None:
    """What the position is compared with, its distance (0 inside a polygon) and radius in metres."""
    if kind in ("", "grid"):
        rows = Grid.objects.filter(retired_on=None)
        if code:
            rows = rows.filter(code=code)
        else:
            today = timezone.localdate()
            rows = rows.filter(
                Q(duties__valid_to=None) | Q(duties__valid_to__gt=today),
                duties__worker=worker,
                duties__valid_from__lte=today,
            )
        kind, name, key = "grid", "name", "code"
    else:
        wanted = kind.replace("_", "").lower()
        place = next(
            (p for p in places.values() if wanted in (p.id.replace("_", ""), p.model.split(".")[1].lower())),
            None,
        )
        if place is None:
            raise _no_target(_("Unknown kind of place “%s”.") % kind)
        model = apps.get_model(place.model)
        fields = {field.name for field in model._meta.fields}
        key = "code" if "code" in fields else "number"
        name = "name" if "name" in fields else key
        rows = model.objects.for_user(user).filter(**{key: code})
    row = with_distance(rows, point).order_by("distance_m", key).values_list(key, name, "distance_m").first()
    if row is None:
        if code:
            raise _no_target(_("There is no such place, or not within your scope."))
        return None
    radius = settings.CHECK_IN_METRES.get(kind, settings.CHECK_IN_METRES_ELSE)
    return {
        "kind": kind,
        "code": row[0],
        "name": row[1] or row[0],
        "distance_m": row[2],
        "radius_m": float(radius),
    }


def _no_target(detail: str) -> Problem:
    return Problem(detail, kind="target", errors=[{"pointer": "/target", "detail": detail}])


def _too_fast(worker: Worker, fix: Fix) -> bool:
    """Whether the worker would have had to move faster than 150 km/h since the last mark; one statement.

    Both accuracies count for the worker, so that two bad fixes in one minute accuse nobody.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select greatest(0, ST_Distance(c.geom::geography, here.point::geography)"
            "       - coalesce(c.accuracy_m, 0) - %(accuracy)s)"
            "     / greatest(1, abs(extract(epoch from %(at)s::timestamptz"
            "       - coalesce(c.fix_at, c.device_at, c.created_at)))) * 3.6 > %(limit)s"
            " from grids_checkin c,"
            "      (select ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) as point) as here"
            " where c.worker_id = %(worker)s and c.created_at > now() - interval '1 day'"
            " order by c.id desc limit 1",
            {
                "accuracy": fix.accuracy_m or 0,
                "at": fix.fix_at or fix.device_at or timezone.now(),
                "limit": TOO_FAST_KMH,
                "lon": fix.point.x,
                "lat": fix.point.y,
                "worker": worker.pk,
            },
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def end_forgotten_shifts(grace: timedelta = timedelta(hours=4)) -> int:
    """End shifts whose worker forgot to punch out, at their planned end; returns how many.

    Otherwise positions would be taken for days.
    """
    return Shift.objects.filter(
        punched_in_at__isnull=False, punched_out_at=None, planned_end__lt=timezone.now() - grace
    ).update(punched_out_at=F("planned_end"))
