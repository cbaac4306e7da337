"""axe-core against a page: what it calls serious or critical fails a test."""

from functools import lru_cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")


@lru_cache(maxsize=1)
def _source() -> str:
    return SOURCE.read_text()


def check(page, *, without: tuple[str, ...] = ()) -> list[str]:
    """What is seriously wrong on the page as it stands, one line per rule with the first places.

    The map's canvas is left out: its contents are in the list beside it. Evaluated, not added as a script,
    so that the page's content security policy stays as it is.
    """
    page.evaluate(_source())
    found = page.evaluate(
        "([rules]) => axe.run({exclude: [['canvas']]},"
        " {resultTypes: ['violations'], rules: Object.fromEntries(rules.map(r => [r, {enabled: false}]))})"
        ".then(result => result.violations.map(v => [v.impact, v.id, v.help, v.nodes.length,"
        " v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + (n.failureSummary || '').slice(0, 160))]))",
        [list(without)],
    )
    return [
        f"{impact}: {rule}: {help_text} ({count}): {places}"
        for impact, rule, help_text, count, places in found
        if impact in GRAVE
    ]
