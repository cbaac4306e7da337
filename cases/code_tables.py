"""Small tables of this app that every installation begins with."""

from cases import flow_data
from cases.public import topics


def load() -> dict[str, int]:
    """The shipped flows (how many versions came in) and kinds of problems for residents."""
    return {"flows": flow_data.load(), "kinds of problems": topics.load()}
