"""The world outside, as alerts may reach it: names are resolved here, and the address that is connected to is checked.

Whoever may define a route could otherwise have this server talk to what only it can reach (server-side request forgery:
the metadata service of a cloud, a database on loopback). Redirects are not followed, proxies of the environment not used.
"""

from __future__ import annotations

import functools
import logging
import socket
import ssl
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from coldtrail.watch.ways_out.secret import NoSecret, Read, of_process

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

TIMEOUT_S = 10.0
MOST_ANSWER_BYTES = 4 << 10
MOST_RETRY_AFTER_S = 3_600.0
NAT64 = ip_network("64:ff9b::/96")

# It would log whole addresses, and some are secrets.
logging.getLogger("httpx").setLevel(logging.WARNING)


class NotSent(RuntimeError):
    """Nobody took a message. ``retry_after_s``: when the receiver said to come again."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Request(Struct, frozen=True):
    """One POST. The address may be a secret, so nothing tells more of it than its host."""

    url: str
    body: bytes
    headers: dict[str, str]


class Answered(Struct, frozen=True):
    """What a request was answered; of ``body`` at most ``MOST_ANSWER_BYTES``. ``headers``: by their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Outside:
    """Sends requests. ``allow``: networks that are reached although they are not public."""

    def __init__(
        self, allow: Iterable[Network] = (), read_secret: Read | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._allow = tuple(allow)
        self._read = read_secret or of_process()
        self.timeout_s = timeout_s

    def read_secret(self, reference: str) -> str:
        """Return a secret.

        Raises:
            NotSent: it cannot be read.
        """
        try:
            return self._read(reference)
        except NoSecret as error:
            raise NotSent(str(error)) from None

    def address_of(self, host: str, port: int) -> str:
        """Return the address to connect to for a name.

        Raises:
            NotSent: there is none, or one of them is not public and not allowed.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotSent(f"{host} has no address") from None
        addresses = [str(one[4][0]) for one in found]
        for one in addresses:
            if not self._may(ip_address(one.partition("%")[0])):
                raise NotSent(f"{host} is {one}, which is not public: allow it with the setting notify.allow")
        return addresses[0]

    def post(self, request: Request) -> None:
        """Send a request and return when it was answered with success.

        Raises:
            NotSent: it was not.
        """
        answer = self.exchange(request)
        if not 200 <= answer.status < 300:
            host = urlsplit(request.url).hostname or ""
            raise NotSent(f"{host} answered {answer.status}{_said(answer.body)}", _retry_after_s(answer, time.time()))

    def exchange(self, request: Request) -> Answered:
        """Send a request and return what it was answered, whatever that is.

        Raises:
            NotSent: its address may not be reached, or did not answer.
        """
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise NotSent("the address has no such port") from None
        pinned = httpx.URL(request.url).copy_with(host=self.address_of(host, port))
        told = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "coldtrail", "Accept-Encoding": "identity"}
        deadline = time.monotonic() + self.timeout_s
        try:
            with (
                httpx.Client(verify=_certificates(), trust_env=False, timeout=self.timeout_s) as client,
                client.stream(
                    "POST",
                    pinned,
                    content=request.body,
                    headers={**request.headers, **told},
                    extensions={"sni_hostname": host},
                ) as answer,
            ):
                return Answered(answer.status_code, dict(answer.headers), _beginning(answer, deadline))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotSent(f"{host} could not be told: {type(error).__name__}") from None

    def _may(self, address: Address) -> bool:
        inner = _inner(address)
        if any(
            one.version == network.version and one in network for one in (address, inner) for network in self._allow
        ):
            return True
        return inner.is_global and not inner.is_multicast and address.is_global


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust, read once: it takes 30 ms of CPU."""
    return httpx.create_ssl_context(trust_env=False)


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one leads to, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


def _beginning(answer: httpx.Response, deadline: float) -> bytes:
    read = b""
    for chunk in answer.iter_raw():
        read += chunk[:MOST_ANSWER_BYTES]
        if len(read) >= MOST_ANSWER_BYTES or time.monotonic() > deadline:
            break
    return read


def _said(body: bytes) -> str:
    """Return the first words of a refusal, on one line."""
    words = " ".join(body.decode("utf-8", "replace").split())
    printable = "".join(letter for letter in words if letter.isprintable())
    return f": {printable[:200]}" if printable else ""


def _retry_after_s(answer: Answered, now_s: float) -> float | None:
    """Source: RFC 9110, "Retry-After": seconds, or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal() and len(text) < 10:
        return min(float(text), MOST_RETRY_AFTER_S)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now_s
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), MOST_RETRY_AFTER_S)
