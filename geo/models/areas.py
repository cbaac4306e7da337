"""Administrative areas, and what every table on the map has."""

from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from geo.scopes import ScopedQuerySet, ScopeSpec


class Geography(Func):
    """``geom::geography``: the expression that nearness in metres is indexed by and queried with."""

    template = "(%(expressions)s)::geography"
    output_field = models.GeometryField(geography=True)


class Mapped(models.Model):
    """A row with a geometry that is drawn in tiles.

    ``geom`` is WGS-84 longitude/latitude (EPSG:4326) and the truth; ``geom_3857`` is the database's own
    Web Mercator copy, for tiles and nothing else. It has no index: bounds of either matrix set are bounds in
    degrees, too, and one spatial index less is a fifth of what writing a row costs.
    """

    geom = models.GeometryField(_("geometry"), srid=4326, spatial_index=False)
    geom_3857 = models.GeneratedField(
        expression=Func(F("geom"), 3857, function="ST_Transform"),
        output_field=models.GeometryField(srid=3857, spatial_index=False),
        db_persist=True,
    )

    class Meta:
        abstract = True
        indexes = [GistIndex(fields=["geom"], name="%(app_label)s_%(class)s_geom")]


class Labelled(Mapped):
    """A polygon that is written on: ``label_point`` lies inside it and is kept by the database."""

    label_point = models.GeneratedField(
        expression=Func(F("geom"), function="ST_PointOnSurface"),
        output_field=models.PointField(srid=4326, spatial_index=False),
        db_persist=True,
    )

    class Meta(Mapped.Meta):
        abstract = True
        indexes = [
            *Mapped.Meta.indexes,
            GistIndex(fields=["label_point"], name="%(app_label)s_%(class)s_label"),
        ]


class Area(Labelled):
    """A node of the area tree: city, district, street or community (市, 区县, 街道, 社区).

    Codes are the official ones (GB/T 2260 and the statistical division codes) without their padding:
    2, 4, 6, 9 or 12 digits, so that "everything under X" is a prefix. Codes are re-issued: a row is in
    force from ``valid_from`` until ``valid_to`` (exclusive; null: still), and names its predecessors.
    """

    class Level(models.TextChoices):
        PROVINCE = "province", _("Province")
        CITY = "city", _("City")
        DISTRICT = "district", _("District")
        STREET = "street", _("Street")
        COMMUNITY = "community", _("Community")

    CODE_LENGTHS = {2: "province", 4: "city", 6: "district", 9: "street", 12: "community"}

    code = models.CharField(_("code"), max_length=12)
    level = models.CharField(_("level"), max_length=10, choices=Level.choices)
    name = models.CharField(_("name"), max_length=100)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent")
    )
    geom = models.MultiPolygonField(_("outline"), srid=4326, null=True, blank=True, spatial_index=False)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    predecessors = models.ManyToManyField("self", symmetrical=False, related_name="successors", blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)

    scope = ScopeSpec(permission="geo.view", area="code", public=Q())
    objects = ScopedQuerySet.as_manager()

    class Meta(Labelled.Meta):
        abstract = False
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], condition=Q(valid_to=None), name="geo_area_one_in_force"
            ),
            models.CheckConstraint(
                condition=Q(level="province", code__regex=r"^\d{2}$")
                | Q(level="city", code__regex=r"^\d{4}$")
                | Q(level="district", code__regex=r"^\d{6}$")
                | Q(level="street", code__regex=r"^\d{9}$")
                | Q(level="community", code__regex=r"^\d{12}$"),
                name="geo_area_level_fits_code",
            ),
        ]
        indexes = [
            *Labelled.Meta.indexes,
            models.Index(fields=["code"], name="geo_area_code_prefix", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["level", "code"], name="geo_area_level"),
        ]

    def __str__(self):
        return self.name
