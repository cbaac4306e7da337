"""Names that rows keep in two languages."""

from django.utils.translation import get_language


def in_language(name: str, english: str) -> str:
    """The English name where English is asked for and there is one, else the Chinese."""
    return english if english and (get_language() or "").startswith("en") else name
