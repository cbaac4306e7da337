"""Base maps as data."""

from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class BaseMap(models.Model):
    """A WMTS or WMS service, or our own data, drawn under everything else.

    ``url`` may hold ``{key}``, which the proxy fills in on the server. ``matrix_set`` is what the service
    calls its own; ``projection`` is EPSG:4326 (4490 is declared as 4326) or EPSG:3857. ``level_offset`` is
    added to a WorldCRS84Quad or WebMercatorQuad level to get the service's own: 1 for 天地图's ``c``. For a
    WMS ``matrix_set`` is the reference system to ask in, if it is not ``projection`` (EPSG:4490).
    """

    class Service(models.TextChoices):
        WMTS_KVP = "wmts_kvp", "WMTS (KVP)"
        WMTS_REST = "wmts_rest", "WMTS (REST)"
        WMS_111 = "wms_111", "WMS 1.1.1"
        WMS_130 = "wms_130", "WMS 1.3.0"
        OWN = "own", _("Own data")

    class Tone(models.TextChoices):
        LIGHT = "light", _("Light")
        GREY = "grey", _("Grey")
        IMAGERY = "imagery", _("Imagery")

    name = models.SlugField(_("identifier"), max_length=40, unique=True)
    title = models.CharField(_("title"), max_length=60)
    service = models.CharField(_("service"), max_length=10, choices=Service.choices)
    tone = models.CharField(_("tone"), max_length=10, choices=Tone.choices, default=Tone.LIGHT)
    url = models.CharField(_("address"), max_length=500, blank=True)
    key = models.CharField(_("key"), max_length=200, blank=True)
    layer = models.CharField(_("layer"), max_length=100, blank=True)
    style = models.CharField(_("style"), max_length=60, blank=True, default="default")
    image_format = models.CharField(_("format"), max_length=30, default="image/png")
    matrix_set = models.CharField(_("matrix set"), max_length=60, blank=True)
    projection = models.CharField(
        _("projection"), max_length=10, choices=[("EPSG:4326", "EPSG:4326"), ("EPSG:3857", "EPSG:3857")]
    )
    level_offset = models.SmallIntegerField(_("level offset"), default=0)
    label_layer = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("label overlay")
    )
    min_level = models.PositiveSmallIntegerField(_("lowest level"), default=0)
    max_level = models.PositiveSmallIntegerField(_("highest level"), default=18)
    extent = models.PolygonField(_("extent"), srid=4326, null=True, blank=True, spatial_index=False)
    opacity = models.FloatField(_("opacity"), default=1)
    attribution = models.CharField(_("attribution"), max_length=200, blank=True)
    approval_number = models.CharField(_("map approval number"), max_length=40, blank=True)
    timeout_s = models.FloatField(_("time-out in seconds"), default=5)
    is_overlay = models.BooleanField(_("label overlay only"), default=False)
    active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    # What reading the service's capabilities told: its own names of our levels, and what is wrong with it.
    matrices = models.JSONField(default=dict, blank=True, editable=False)
    problem = models.CharField(_("problem"), max_length=300, blank=True, editable=False)
    checked_at = models.DateTimeField(_("checked at"), null=True, editable=False)

    scope = ScopeSpec(permission="geo.view", public=Q(active=True))
    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = _("base map")
        verbose_name_plural = _("base maps")
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opacity__gte=0) & Q(opacity__lte=1), name="tiles_basemap_opacity"
            ),
            # nginx tells by the name who makes the pictures.
            models.CheckConstraint(
                condition=Q(service="own", name__regex=r"^city(-[a-z0-9-]+)?$")
                | (~Q(service="own") & ~Q(name__regex=r"^city(-|$)")),
                name="tiles_basemap_own_is_city",
                violation_error_message=_(
                    "Base maps of our own data, and only they, are named city or city-…."
                ),
            ),
        ]

    def __str__(self):
        return self.title
