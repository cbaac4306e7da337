"""What the ground shows on the map."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from geo.models import Area
from geo.registry import Detail, Layer, Style, TileField, layers

# The deeper the level, the closer one has to look: metres per pixel at which its outlines begin.
COARSEST = {"province": 1e6, "city": 1e6, "district": 1300, "street": 320, "community": 80}
BORDERS = {
    "province": ("#173f3a", 3.5),
    "city": ("#1d4f49", 3),
    "district": ("#2b6a61", 2.5),
    "street": ("#4d857c", 2),
    "community": ("#7fa8a1", 1.5),
}

layers.register(
    Layer(
        id="areas",
        label=_("Administrative areas"),
        model="geo.Area",
        fields=(
            TileField("code", _("code")),
            TileField("level", _("level")),
            TileField("name", _("name")),
            TileField("valid_from", _("valid from"), max_scale=2.4),
        ),
        shape="polygon",
        group="areas",
        style=Style(
            colour="#2b6a61",
            width=2,
            fill_opacity=0,
            by="level",
            classes={level: (Area.Level(level).label, colour) for level, (colour, _w) in BORDERS.items()},
            widths={level: width for level, (_c, width) in BORDERS.items()},
        ),
        filters=Q(valid_to=None, geom__isnull=False),
        details=tuple(Detail(Q(level=level), coarsest) for level, coarsest in COARSEST.items()),
        key="code",
        label_field="name",
        versions=("geo.Area", ""),
        open_data=True,
        visible=True,
        order=50,
    ),
    Layer(
        id="area_labels",
        label=_("Names of areas"),
        model="geo.Area",
        fields=(TileField("name", _("name")), TileField("level", _("level")), TileField("code", _("code"))),
        shape="point",
        group="areas",
        style=Style(colour="#1d4f49", size=13, label="name", by="level"),
        filters=Q(valid_to=None, geom__isnull=False),
        # A name goes when the outlines of the next but one level come.
        details=(
            Detail(Q(level="city"), 1e6, 320),
            Detail(Q(level="district"), 640, 40),
            Detail(Q(level="street"), 160, 10),
            Detail(Q(level="community"), 40, 1.2),
        ),
        geometry="label_point",
        key="code",
        label_field="name",
        labels="areas",
        versions=("geo.Area", ""),
        visible=True,
        order=51,
    ),
)
