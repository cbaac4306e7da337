"""What people typed is refused, not cut."""

import pytest

from geo.problems import Problem
from geo.texts import all_fitting, fitting, shortened


def test_every_field_that_is_too_long_is_told():
    form = {"name": " 甲 ", "post": "岗" * 61, "manual": "步\r\n" * 4}
    with pytest.raises(Problem) as refused:
        all_fitting(form, name=1, post=60, manual=6, basis=5)
    assert [one["pointer"] for one in refused.value.errors] == ["/post", "/manual"]
    assert "61" in refused.value.detail
    assert all_fitting(form, name=1, post=61, manual=7, basis=5) == {
        "name": "甲",
        "post": "岗" * 61,
        "manual": "步\n步\n步\n步",
        "basis": "",
    }
    with pytest.raises(Problem):
        fitting("ab", 1, "x")


def test_what_the_house_shortens_shows_it():
    assert shortened("abc", 3) == "abc" and shortened("abcd", 3) == "ab…"
