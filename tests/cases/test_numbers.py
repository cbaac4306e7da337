"""What counts as a case's number in a box that takes words, too."""

import pytest

from cases import queries


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A9901022026", "A9901022026"),
        (" w990102 ", "W990102"),
        ("XY990102", "XY990102"),
        ("A3", ""),
        ("A９９０１０２", ""),
        ("A3座", ""),
        ("胜利路", ""),
        ("", ""),
        ("A", ""),
        ("9901", ""),
    ],
)
def test_what_a_number_is(text, number):
    assert queries.number_in(text) == number
