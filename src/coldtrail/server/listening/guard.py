"""Who may talk to us: Host and Origin are checked always, a token where one is set.

A web page elsewhere can make a browser send requests to a loopback server; it cannot make it send another
`Host` or leave out `Origin`. Source: W3C "Fetch", RFC 6454; the attack is DNS rebinding. Where other machines may
reach us, by a token or because somebody said `--insecure`, any name may lead here, so `Host` tells nothing.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1", "[::1]"))
COOKIE = "coldtrail_token"


class Guard(Struct, frozen=True):
    """The rules of one running process on ``host``. ``token`` "" asks for none; ``insecure``: somebody wants it so."""

    host: str
    token: str = ""
    insecure: bool = False

    def refusal(self, headers: dict[bytes, bytes], *, cookies: bool = False) -> tuple[int, str] | None:
        """Return the HTTP status and reason to refuse with, or None where the sender may pass."""
        host = headers.get(b"host", b"").decode("latin-1")
        if host and not self._is_ours(_name(host)):
            return 403, f'the Host header names "{host[:100]}", which is not this server'
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and not self._is_same(origin, host):
            return 403, f'a page of "{origin[:100]}" may not talk to this server'
        if self.token and not self._shows_token(headers, cookies=cookies):
            return 401, "a token is needed: send it as Authorization: Bearer TOKEN"
        return None

    def token_matches(self, given: str) -> bool:
        """Compare in constant time."""
        return not self.token or hmac.compare_digest(given.encode(), self.token.encode())

    def takes_datagrams_of(self, address: str) -> bool:
        """Whether a datagram of an address may pass: it cannot show a token, so where one is set it must be local."""
        sender = ip_address(address.partition("%")[0])
        return not self.token or self.insecure or (getattr(sender, "ipv4_mapped", None) or sender).is_loopback

    def _is_ours(self, name: str) -> bool:
        if name in LOOPBACK or name == self.host:
            return True
        return not is_loopback(self.host) and (bool(self.token) or self.insecure)

    def _is_same(self, origin: str, host: str) -> bool:
        return urlsplit(origin).netloc == host

    def _shows_token(self, headers: dict[bytes, bytes], *, cookies: bool) -> bool:
        scheme, _, credential = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and self.token_matches(credential.strip()):
            return True
        if self.token_matches(headers.get(b"x-amz-firehose-access-key", b"").decode("latin-1")):
            return True
        if not cookies:
            return False
        for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE and self.token_matches(value):
                return True
        return False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on ``host``."""
    return host in LOOPBACK or host.startswith("127.")


def _name(host: str) -> str:
    """The host of a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()
