"""What grids tells the ground at start."""

from geo import scopes


def grids_on_duty(user):
    """Ids of the grids in which the user has a duty today."""
    from django.db.models import Q
    from django.utils import timezone

    from grids.models import GridDuty

    today = timezone.localdate()
    return GridDuty.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=today), worker__user=user, valid_from__lte=today
    ).values_list("grid_id", flat=True)


def connect():
    if grids_on_duty not in scopes.duty_grids:
        scopes.duty_grids.append(grids_on_duty)
