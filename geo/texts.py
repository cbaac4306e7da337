"""Words that people typed into a form."""

from django.utils.translation import gettext as _

from geo.problems import Problem


def fitting(text: str, most: int, field: str) -> str:
    """Trimmed, a line break as the one sign that the browser counted; refused, not cut, when too long."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > most:
        detail = _("At most %(most)d characters; there are %(n)d.") % {"most": most, "n": len(text)}
        raise Problem(detail, errors=[{"pointer": f"/{field}", "detail": detail}])
    return text
