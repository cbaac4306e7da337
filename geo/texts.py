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


def all_fitting(data, **most: int) -> dict[str, str]:
    """Several fields of a form by their names, trimmed; all that are too long are told at once."""
    found, errors = {}, []
    for field, length in most.items():
        try:
            found[field] = fitting(data.get(field, ""), length, field)
        except Problem as problem:
            errors += problem.errors
    if errors:
        raise Problem(errors[0]["detail"], errors=errors)
    return found


def shortened(text: str, most: int) -> str:
    """For what the house writes of a text that is kept elsewhere: cut so that one sees it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
