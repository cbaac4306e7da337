"""Tags for built files, icons and times as people say them."""

import json
from functools import lru_cache

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html

register = template.Library()


@lru_cache(maxsize=1)
def _manifest(_stamp: float) -> dict:
    return json.loads((settings.BASE_DIR / "static" / "dist" / "manifest.json").read_text())


def dist_url(name: str) -> str:
    """The address of a built file, with its content's hash; without it where nothing was built (tests)."""
    try:
        stamp = (settings.BASE_DIR / "static" / "dist" / "manifest.json").stat().st_mtime
        found = _manifest(stamp).get(name)
    except OSError:
        found = None
    return static(f"dist/{name}") + (f"?v={found['hash']}" if found else "")


@register.simple_tag
def dist_js(name: str) -> str:
    """``{% dist_js "console" %}``: the page's module script."""
    return format_html('<script type="module" src="{}"></script>', dist_url(f"{name}.js"))


@register.simple_tag
def dist_css(name: str) -> str:
    """``{% dist_css "kit" %}``: a style sheet of the build."""
    return format_html('<link rel="stylesheet" href="{}">', dist_url(f"{name}.css"))


@register.simple_tag
def icon(name: str, label: str = "") -> str:
    """``{% icon "clock" %}``: a stroke icon; hidden from screen readers unless it has a label."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
            label,
            static("geo/icons.svg"),
            name,
        )
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("geo/icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def query(context, **changes) -> str:
    """The query string with some parameters changed: ``{% query page=2 %}``; ``None`` or "" removes."""
    params = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            params.pop(key, None)
        else:
            params[key] = value
    text = params.urlencode()
    return f"?{text}" if text else context["request"].path
