"""Calls to addresses outside, from jobs only: no web worker waits on anybody.

An address that a person typed (a webhook's) is guarded: https unless ``WANGGE_WEBHOOK_HTTP`` is 1, no user
name or password in it, and its name must not lead into our own network. All its addresses are looked at,
and the call goes to one of those very addresses, so that a name cannot change its mind in between. Redirects
are not followed, proxies of the environment not asked; ten seconds for everything, and no more of the answer
is read than is kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from dataclasses import dataclass

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from geo.problems import Problem

TIMEOUT = 10  # seconds, from the first look at the name to the last byte
MOST_READ = 16 * 1024
MOST_KEPT = 500
# Addresses that carry another one, which would be reached through them.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unreachable(Exception):
    """It did not work this time; the words say why."""


class Forbidden(Unreachable):
    """The address may not be called from here."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    ms: int


def check_address(url: str) -> httpx.URL:
    """An address as typed, looked at without asking anybody; a problem in words when it may not be called."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise Problem(_("This is not an address: %s") % url[:100]) from None
    allowed = ("https", "http") if settings.WEBHOOK_HTTP else ("https",)
    if parts.scheme not in allowed or not parts.host:
        raise Problem(
            _("The address must begin with %s and name a server.")
            % " / ".join(f"{one}://" for one in allowed)
        )
    if parts.userinfo:
        raise Problem(_("The address must not hold a user name or password; the signature says who we are."))
    if parts.fragment:
        raise Problem(_("The address must not have a part after #."))
    try:
        literal = ipaddress.ip_address(parts.host)
    except ValueError:
        return parts
    if not permitted(parts.host, literal):
        raise Problem(_("%s lies within a private network; see WANGGE_WEBHOOK_ALLOW.") % parts.host)
    return parts


def permitted(host: str, address) -> bool:
    """Whether an address may be called: a public one, or one that the operator listed."""
    if host in settings.WEBHOOK_ALLOW_HOSTS or any(
        address in network
        for network in settings.WEBHOOK_ALLOW_NETWORKS
        if network.version == address.version
    ):
        return True
    if address.version == 6:
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return permitted(host, inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def post(url: str, body: bytes, headers: dict[str, str], *, guarded: bool = True) -> Answer:
    """POST and wait; whatever it answered. ``Unreachable`` when nobody answered within ten seconds.

    Without the guard the address is the operator's own, from the environment.
    """
    return asyncio.run(_post(url, body, headers, guarded))


async def _post(url: str, body: bytes, headers: dict[str, str], guarded: bool) -> Answer:
    began = time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT):
            status, text = await _ask(url, body, headers, guarded)
    except TimeoutError:
        raise Unreachable(f"no answer within {TIMEOUT} seconds") from None
    except httpx.TimeoutException:
        raise Unreachable(f"no answer within {TIMEOUT} seconds") from None
    except httpx.HTTPError as error:
        raise Unreachable(f"{type(error).__name__}: {error}"[:300]) from error
    return Answer(status, text, round(1000 * (time.monotonic() - began)))


async def _ask(url, body, headers, guarded) -> tuple[int, str]:
    target, options = httpx.URL(url), {}
    headers = {"user-agent": "Wangge", **headers}
    if guarded:
        try:
            target = check_address(url)
        except Problem as problem:
            raise Forbidden(str(problem.detail)) from None
        address = await _resolved(target)
        headers["host"] = target.netloc.decode()
        # The certificate is judged by the name, the call goes to the address that was looked at.
        options["sni_hostname"] = target.host
        target = target.copy_with(host=address)
    trusted = httpx.create_ssl_context(trust_env=False)
    if settings.OUTBOUND_CA:
        trusted.load_verify_locations(settings.OUTBOUND_CA)
    async with (
        httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=trusted) as client,
        client.stream("POST", target, content=body, headers=headers, extensions=options) as response,
    ):
        read = b""
        async for piece in response.aiter_raw():
            read += piece
            if len(read) >= MOST_READ:
                break
        text = read[:MOST_READ].decode("utf-8", errors="replace")
        return response.status_code, text.replace("\x00", "")[:MOST_KEPT]


async def _resolved(url: httpx.URL) -> str:
    """One of the addresses of a name, all of which may be called."""
    port = url.port or {"https": 443, "http": 80}[url.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"the name {url.host} cannot be resolved: {error}"[:300]) from error
    addresses = [ipaddress.ip_address(one[4][0].partition("%")[0]) for one in found]
    for address in addresses:
        if not permitted(url.host, address):
            raise Forbidden(f"{url.host} leads to {address}, within a private network")
    return str(addresses[0])
