"""What cases tell the grids."""

from django.utils.translation import gettext_lazy as _

from geo.registry import Place, places

places.register(Place("cases", "cases.Case", _("Cases")))
