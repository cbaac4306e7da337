"""Small tables of this app that every installation begins with."""

from cases import flow_data


def load() -> dict[str, int]:
    """The shipped flows; returns how many versions came in."""
    return {"flows": flow_data.load()}
