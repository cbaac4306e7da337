"""Codes, hashes, limits of the residents' pages: what is stored gives nothing away, and guessing is slow."""

import uuid

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from cases.models import PublicCount
from cases.public import codes, limits
from geo.problems import Problem

pytestmark = pytest.mark.django_db


def test_a_code_is_short_read_easily_and_the_same_for_the_same_key():
    key = uuid.uuid4()
    secret = codes.secret_for(key)
    assert len(secret) == 8 and set(secret) <= set(codes.ALPHABET)
    assert secret == codes.secret_for(key) != codes.secret_for(uuid.uuid4())
    assert codes.shown(secret) == f"{secret[:4]} {secret[4:]}"
    kept = codes.secret_hash("A1", secret)
    assert secret not in kept and len(kept) == 64
    assert codes.is_secret("A1", f" {secret[:4].lower()}-{secret[4:]} ", kept)
    assert not codes.is_secret("A2", secret, kept)
    assert not codes.is_secret("A1", "", kept)


def test_one_number_has_one_hash_however_it_is_written():
    assert codes.contact_hash("138 0013 8000") == codes.contact_hash("+86-13800138000") != ""
    assert codes.contact_hash("Li@Example.cn ") == codes.contact_hash("li@example.cn")
    assert codes.contact_hash("") == ""
    assert codes.is_phone("13800138000") and codes.is_phone("0571-88001234")
    assert not codes.is_phone("12345") and not codes.is_phone("２３４")


def request(cookie="", address="192.0.2.7"):
    made = RequestFactory().get("/public/", REMOTE_ADDR=address)
    if cookie:
        made.COOKIES[codes.COOKIE] = cookie
    return made


def test_a_browser_remembers_what_it_was_given_and_nothing_it_made_up():
    response = HttpResponse()
    codes.remember(request(), response, "r", 5)
    cookie = response.cookies[codes.COOKIE]
    assert cookie["httponly"] and cookie["path"] == "/public/" and cookie["samesite"] == "Lax"
    known = request(cookie.value)
    assert codes.may_open(known, "r", 5) and not codes.may_open(known, "r", 6)
    assert codes.remembered(request(cookie.value[:-3] + "abc")) == []
    assert codes.remembered(request('["r6"]')) == []
    second = HttpResponse()
    codes.remember(known, second, "s", 9)
    both = request(second.cookies[codes.COOKIE].value)
    assert codes.remembered(both) == ["s9", "r5"]
    gone = HttpResponse()
    codes.forget(both, gone, "r", 5)
    assert codes.remembered(request(gone.cookies[codes.COOKIE].value)) == ["s9"]


def test_a_limit_counts_for_everybody_alike_and_says_when_to_come_back():
    limit = limits.Limit("test", 3, 3600)
    assert [limits.take(limit, "192.0.2.7") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Problem) as refused:
        limits.take(limit, "192.0.2.7")
    assert refused.value.status == 429 and 0 < refused.value.extra["retry_after"] <= 3600
    assert limits.take(limit, "192.0.2.8") == 1
    assert "192.0.2.7" not in str(list(PublicCount.objects.values()))


def test_an_ipv6_network_counts_as_one():
    assert limits.here(request(address="2001:db8:1:2:aaaa::1")) == limits.here(
        request(address="2001:db8:1:2:bbbb::2")
    )
