"""The layer tree, legend and addresses that a caller gets."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from geo.registry import Layer, Style, layers
from tiles import links
from tiles.matrix import SETS, MatrixSet
from tiles.queries import statement
from tiles.queries.access import visible_layers

# Branches of the tree, top down.
GROUPS = {
    "cases": _("Cases"),
    "people": _("People on the ground"),
    "areas": _("Areas"),
    "grids": _("Grids"),
    "buildings": _("Buildings and estates"),
    "components": _("Components and facilities"),
    "risks": _("Risks"),
    "reference": _("Reference lines"),
}


def min_zoom(layer: Layer, matrix_set: MatrixSet) -> int:
    """The first level at which anything of the layer is drawn."""
    coarsest = statement.coarsest_scale(layer)
    return 0 if coarsest is None else matrix_set.level(coarsest)


def style(style: Style) -> dict:
    """A style in plain words, its classes in the legend's order."""
    return {
        "colour": style.colour,
        "icon": style.icon,
        "width": style.width,
        "dash": style.dash,
        "fill_opacity": style.fill_opacity,
        "size": style.size,
        "label": str(style.label),
        "by": style.by,
        "hidden": list(style.hidden),
        "classes": [
            {
                "value": value,
                "label": str(label),
                "colour": colour,
                "width": style.widths.get(value, style.width),
                "hidden": value in style.hidden,
            }
            for value, (label, colour) in style.classes.items()
        ],
    }


def row_url(layer: Layer) -> str | None:
    """The page of a row, with ``{key}`` for the property that names it; ``None`` without a page."""
    if not layer.url_name:
        return None
    name, *arguments = layer.url_name.split("/")
    try:
        return reverse(name, args=[*arguments, "ROWKEY"]).replace("ROWKEY", f"{{{layer.key}}}")
    except NoReverseMatch:
        return None


def describe(layer: Layer, user) -> dict:
    """All that a map needs to draw a layer and to explain it."""
    labels = next((one.id for one in layers.values() if one.labels == layer.id), None)
    return {
        "id": layer.id,
        "label": str(layer.label),
        "group": layer.group,
        "shape": layer.shape,
        "visible": layer.visible,
        "order": layer.order,
        "min_zoom": {one.id: min_zoom(layer, one) for one in SETS.values()},
        "max_zoom": {one.id: one.max_level for one in SETS.values()},
        "max_scale": layer.max_scale,
        "binned": layer.binned,
        "fields": [{"name": f.name, "label": str(f.label), "max_scale": f.max_scale} for f in layer.fields],
        "key": layer.key,
        "label_field": layer.label_field,
        "labels_layer": labels,
        "labels": layer.labels or None,
        "public": layer.public,
        "versioned": layer.versions is not None,
        "row_url": row_url(layer),
        "style": style(layer.style),
        "tiles": {one.id: links.template(layer, one, user) for one in SETS.values()},
        "tiles_expire": None if layer.public else links.expiry(),
        "tilejson": f"/tiles/{layer.id}.json",
    }


def tree(user) -> dict:
    """The branches and layers that ``user`` may see."""
    shown = [describe(layer, user) for layer in visible_layers(user)]
    used = {layer["group"] for layer in shown}
    groups = [{"id": key, "label": str(label)} for key, label in GROUPS.items() if key in used]
    groups += [{"id": key, "label": key} for key in sorted(used - set(GROUPS))]
    return {"groups": groups, "layers": shown}
