"""Telling of new alarms of the dispatch rules: once, to those who may change the rules there."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils.translation import ngettext, override

from cases import faults, rules
from cases.models import RuleAlarm
from geo import accounts, outputs


@transaction.atomic
def tell_new() -> int:
    """Keep what is wrong now and tell of what was not wrong before; how many are new.

    What was mended is forgotten, so that it is told again should it come back.
    """
    found = faults.every_alarm()
    # One job at a time has the lock, and what it told is there for the next.
    known = {
        (row.kind, row.rule_id, row.unit_id): row.pk for row in RuleAlarm.objects.select_for_update().all()
    }
    now = {(alarm.kind, alarm.rule_id, alarm.unit_id): alarm for alarm in found}
    RuleAlarm.objects.filter(pk__in=[pk for key, pk in known.items() if key not in now]).delete()
    new = [alarm for key, alarm in now.items() if key not in known]
    RuleAlarm.objects.bulk_create(
        [RuleAlarm(kind=alarm.kind, rule_id=alarm.rule_id, unit_id=alarm.unit_id) for alarm in new]
    )
    if new:
        editors = accounts.holders(rules.PERMISSION)
        outputs.tell_all([notice for user in editors for notice in _for(user, new)])
    return len(new)


def _for(user, new: list[faults.Alarm]) -> list:
    """The notice to somebody with the right over one of the rules; none to others."""
    own = [alarm for alarm in new if any(user.scope.covers(rules.PERMISSION, area) for area in alarm.areas)]
    if not own:
        return []
    with override(user.language or "zh-hans"):
        kinds = dict.fromkeys(alarm.label for alarm in own)
        count = len(own)
        title = ngettext("%d new alarm of the dispatch rules", "%d new alarms of the dispatch rules", count)
        detail = " · ".join(kinds)
        url = f"{reverse('rules')}?tab=alarms"
        return [outputs.notice(user, title % count, detail=detail, url=url, icon="rules")]
