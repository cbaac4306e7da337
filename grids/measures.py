"""What is counted of grids and of those who work in them."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.registry import Measure, measures
from grids.models import Grid, Worker

measures.register(
    Measure(
        id="grids",
        label=_("Grids"),
        definition=_("Governance grids in force, basic and exclusive; a retired grid no longer counts."),
        model="grids.Grid",
        area="community_code",
        grid="id",
        filters=lambda: Q(retired_on=None),
        classes="kind",
        class_labels=lambda: dict(Grid.Kind.choices),
        group="grids",
        rows_url="counted-grids",
        order=20,
    ),
    Measure(
        id="unit_grids",
        label=_("Unit grids"),
        definition=_("Unit grids (the ten-thousand-metre cells of city management) in force."),
        model="grids.UnitGrid",
        area="community_code",
        grid="community_code",
        filters=lambda: Q(retired_on=None),
        group="grids",
        rows_url="counted-unit_grids",
        order=21,
    ),
    Measure(
        id="workers",
        label=_("Grid workers"),
        definition=_(
            "People who work in the grids and are active: full-time, part-time and exclusive, with or "
            "without an account, counted in the area they belong to, not in each grid they have duty in."
        ),
        model="grids.Worker",
        grid="area_code",
        filters=lambda: Q(active=True),
        classes="staff_kind",
        class_labels=lambda: dict(Worker.StaffKind.choices),
        group="workforce",
        rows_url="counted-workers",
        order=80,
    ),
    Measure(
        id="workers_on_shift",
        label=_("On shift now"),
        definition=_("Shifts that were punched in and not yet punched out: who is at work at this moment."),
        model="grids.Shift",
        grid="area_code",
        filters=lambda: Q(punched_in_at__isnull=False, punched_out_at=None),
        group="workforce",
        tone="handled",
        rows_url="counted-workers_on_shift",
        order=81,
    ),
)
