"""The registries that keep imports pointing down.

Each app tells what it has in ``layers.py`` (read by tiles), ``measures.py`` and ``search.py`` (read by geo)
and ``places.py`` (read by grids); Django's start imports them, as it does ``admin.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.apps import apps
from django.db.models import Q
from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True)
class TileField:
    """A property of a tile's feature: ``source`` is an ORM path, ``finest`` hides it while coarser.

    ``max_scale`` is in metres per pixel: 2.4 means "only when one pixel is 2.4 m or less".
    """

    name: str
    label: str
    source: str = ""
    max_scale: float | None = None

    @property
    def path(self) -> str:
        return self.source or self.name


@dataclass(frozen=True)
class Style:
    """How a layer is drawn when nothing else is said. ``by`` names the property that picks a class.

    ``hidden`` lists the classes that a map leaves out until somebody asks for them. ``size`` is a text's
    size in pixels or a point's diameter.
    """

    colour: str = "#2f7d6d"
    icon: str = ""
    width: float = 1.5
    dash: bool = False
    fill_opacity: float = 0.12
    by: str = ""
    classes: dict[str, tuple[str, str]] = field(default_factory=dict)  # value -> (label, colour)
    label: str = ""
    hidden: tuple[str, ...] = ()
    widths: dict[str, float] = field(default_factory=dict)  # value -> line width
    size: float = 0


@dataclass(frozen=True)
class Detail:
    """Which rows of a layer are drawn between two scales (metres per pixel; ``finest`` excluded).

    A layer without details draws all its rows from ``max_scale`` down.
    """

    rows: Q
    coarsest: float
    finest: float = 0


@dataclass(frozen=True)
class Layer:
    """What can be drawn. Tiles, TileJSON, OGC APIs, legend and layer tree follow from it.

    ``model`` is "app.Model" with a ``scope``; ``filters`` narrows its rows; ``fields`` go into tiles and
    OGC properties. ``max_scale`` is the coarsest scale (metres per pixel) at which single rows are drawn;
    ``binned`` counts points in cells beyond that, split by ``bin_class`` (an ORM path). ``group`` is the
    layer tree's branch. ``drawn`` narrows what tiles show, not what OGC Features answer. ``geometry`` is
    the column that is drawn: a layer of labels draws ``label_point`` or ``anchor`` and names the layer it
    ``labels``. ``key`` is the path to what people call a row (code, number). ``versions`` names the model
    that keeps the borders of other days (``at=DATE``), and its foreign key to this one. ``url_name``
    is the page of a row, which takes the key ("asset-page/estates": after another argument). ``open_data``
    layers are answered to anybody by the OGC APIs.
    """

    id: str
    label: str
    model: str
    fields: tuple[TileField, ...]
    shape: str  # point | line | polygon
    group: str
    style: Style = Style()
    filters: Q = field(default_factory=Q)
    max_scale: float | None = None
    binned: bool = False
    bin_class: str = ""
    geometry: str = "geom"
    key: str = "pk"
    label_field: str = ""
    url_name: str = ""
    visible: bool = False
    order: int = 100
    drawn: Q = field(default_factory=Q)
    details: tuple[Detail, ...] = ()
    labels: str = ""
    versions: tuple[str, str] | None = None
    open_data: bool = False

    @property
    def model_class(self):
        return apps.get_model(self.model)

    @property
    def public(self) -> bool:
        """Whether anybody may see every row."""
        return self.model_class.scope.public == Q()

    def rows(self, user, permission: str | None = None):
        """The layer's rows that ``user`` may see."""
        return self.model_class.objects.for_user(user, permission).filter(self.filters)


@dataclass(frozen=True)
class Measure:
    """A count, or the sum of ``sum_of``, over a table that has a place.

    ``area`` and ``grid`` are ORM paths to the area code and to the grid (a path ending in ``_code`` is taken
    as the grid's code); ``definition`` is what a user reads behind the figure. ``time`` (a path to an
    instant) makes it a count per day (Asia/Shanghai), ``classes`` splits it. ``tallied`` measures are kept
    as sums per area by triggers (``geo.tallies``); one whose ``filters`` depend on the present moment
    cannot be. ``rows_url`` and ``rows_query`` lead to the page that lists what was counted.
    """

    id: str
    label: str
    definition: str
    model: str
    area: str = "area_code"
    grid: str = "grid"
    sum_of: str = ""
    filters: Callable[[], Q] | None = None
    time: str = ""
    unit: str = ""
    group: str = ""
    rows_url: str = ""
    rows_query: str = ""
    permission: str = ""
    classes: str = ""
    class_labels: Callable[[], dict[str, str]] | None = None
    tallied: bool = True
    tone: str = ""  # a state of ui.md that gives the figure its colour
    order: int = 100

    @property
    def model_class(self):
        return apps.get_model(self.model)

    @property
    def needs(self) -> str:
        """The permission that opens the figure."""
        return self.permission or self.model_class.scope.permission

    @property
    def grid_code(self) -> str:
        """ORM path to the code of the grid a row lies in."""
        if self.grid == "id":
            return "code"
        return self.grid if self.grid.endswith("_code") else f"{self.grid}__code"


@dataclass(frozen=True)
class Place:
    """What a table that has a place tells ``grids``.

    ``locate`` adds to a locate answer: ``(user, point, chain) -> dict``. ``would_move`` is the label a
    planner reads. ``after_regrid(publication, moved)`` runs inside the publishing transaction with
    ``moved`` as a list of (row id, old grid id, new grid id). People on duty are told what came and went in
    the words of ``told(count)``, places of the lowest ``order`` first; without ``told`` they are not.
    ``weigh(moved)`` counts it, {(old, new): count}; by default rows are counted. ``ground`` says what the
    place is to the blocks that plans are made of: "edge" (a line that parts them), "estate" (a polygon kept
    together) or "whole" (a polygon that no border may cut). ``patrol`` selects the lines that are walked on
    patrol, ``barred`` those that people cross only where a walked one does (a river, a railway).
    """

    id: str
    model: str
    label: str
    locate: Callable | None = None
    after_regrid: Callable | None = None
    ground: str = ""
    patrol: Callable[[], Q] | None = None
    barred: Callable[[], Q] | None = None
    told: Callable[[int], str] | None = None
    weigh: Callable | None = None
    order: int = 100

    @property
    def model_class(self):
        return apps.get_model(self.model)


@dataclass(frozen=True)
class Bond:
    """Rows that name a grid themselves: they follow when it goes or when another is born of it.

    Both run inside the publishing transaction. ``hand_over(publication, heirs, gone)`` gets {grid id: [ids of
    grids that take over]} and the ids of grids that are no more; it answers a list (JSON) of what it did.
    ``hand_back(undo, undone, done)`` gets that list and leaves alone what somebody changed since.
    """

    id: str
    hand_over: Callable
    hand_back: Callable


class Registry(dict):
    """Things by id, in their order of registration."""

    def register(self, *things):
        for thing in things:
            if thing.id in self and self[thing.id] is not thing:
                raise ValueError(f"{thing.id!r} is registered twice")
            self[thing.id] = thing


layers: Registry = Registry()
measures: Registry = Registry()
places: Registry = Registry()
bonds: Registry = Registry()
# What can be searched for; see geo.search.
finders: Registry = Registry()


def discover() -> None:
    """Import every app's registrations."""
    autodiscover_modules("layers", "measures", "places", "search", "audit_words")
