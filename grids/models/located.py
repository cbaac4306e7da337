"""The base of every row that has a place."""

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.utils.translation import gettext_lazy as _

from geo.models import Mapped
from geo.models.areas import Geography


class Located(Mapped):
    """A row with a place. ``geom`` (EPSG:4326) is the truth; the rest is derived by the database.

    The trigger ``located`` (function ``wangge_locate``) fills, for whoever writes and however (ORM, SQL,
    COPY): ``anchor``, a point of the geometry (``ST_PointOnSurface``; the middle of a line); ``grid`` and
    ``unit_grid``, those in force that cover the anchor; ``area_code``, the deepest area that covers it. A
    tie on a border goes to the lowest code. Outside every grid ``grid`` is null; outside the city
    ``area_code`` is empty. ``manage.py check_located`` proves that no row disagrees with its geometry.

    No index holds what changes with the borders, and pages keep a tenth free: PostgreSQL then writes a row
    that moves to another grid beside the old one, without an entry in every index of its table. The box of a
    geometry holds its anchor, so the index over ``geom`` finds anchors too.
    """

    anchor = models.PointField(_("anchor"), srid=4326, editable=False, spatial_index=False, null=True)
    grid = models.ForeignKey(
        "grids.Grid",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,  # rows of a grid are found on its ground (``geo.scopes.in_grids``)
        verbose_name=_("grid"),
    )
    unit_grid = models.ForeignKey(
        "grids.UnitGrid",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,  # nobody asks for the rows of a unit grid, and every row that moves would pay for it
        verbose_name=_("unit grid"),
    )
    area_code = models.CharField(_("area"), max_length=12, editable=False, default="")

    class Meta(Mapped.Meta):
        abstract = True
        indexes = [
            *Mapped.Meta.indexes,
            GistIndex(Geography("geom"), name="%(app_label)s_%(class)s_metres"),
            models.Index(
                fields=["area_code"], name="%(app_label)s_%(class)s_area", opclasses=["varchar_pattern_ops"]
            ),
        ]


# Beside those of ``Located``, for tables whose rows are drawn or written on the map at their anchor.
ANCHOR = GistIndex(fields=["anchor"], name="%(app_label)s_%(class)s_anchor")


class RawPosition(models.Model):
    """What arrived before it was converted: the raw pair, its system and source, and how exact it is.

    ``raw_crs`` is one of ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09``; ``accuracy_m`` is the 68 % radius in
    metres that the device gave.
    """

    class Source(models.TextChoices):
        BROWSER = "browser", _("Phone position")
        WECHAT = "wechat", _("Mini-program")
        EXIF = "exif", _("Photo")
        MAP = "map", _("Map")
        COMPONENT = "component", _("Component")
        FILE = "file", _("File")

    raw_lon = models.FloatField(null=True, editable=False)
    raw_lat = models.FloatField(null=True, editable=False)
    raw_crs = models.CharField(max_length=12, default="wgs84", editable=False)
    position_source = models.CharField(
        _("position from"), max_length=10, choices=Source.choices, default=Source.MAP
    )
    accuracy_m = models.FloatField(_("accuracy in metres"), null=True, blank=True)
    fix_at = models.DateTimeField(_("time of the fix"), null=True, blank=True)

    class Meta:
        abstract = True
