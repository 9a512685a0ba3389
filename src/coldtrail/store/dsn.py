"""Where the store is, as `--store` says it. A password is kept out of everything that is printed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

FORMS = '"chdb:///path" or "clickhouse://user:password@host:port/database"'
_OPTIONS = ("secure", "verify", "ca_cert")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
TLS_PORTS = (443, 8443)


class BadDsn(ValueError):
    """A store's address that cannot be understood; the message says what to write, and never the password."""


class Embedded(Struct, frozen=True):
    """The engine in this process; its files are below ``path``."""

    path: str


class Server(Struct, frozen=True):
    """A ClickHouse server's HTTP interface. ``ca_cert``: path of the certificate to trust, "" for the system's."""

    host: str
    port: int
    database: str
    user: str = "default"
    password: str = ""
    secure: bool = False
    verify: bool = True
    ca_cert: str = ""

    def __repr__(self) -> str:
        """As people may see it: without the password."""
        return f"clickhouse://{self.user}@{self.shown}/{self.database}"

    @property
    def shown(self) -> str:
        """Host and port, for messages."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def without_password(self, text: str) -> str:
        """Return ``text`` with the password blotted out, should it stand there."""
        return text.replace(self.password, "***") if len(self.password) > 2 else text


def parse_dsn(text: str) -> Embedded | Server:
    """Return what a DSN means.

    Raises:
        BadDsn: it is neither form, or a part of it is wrong.
    """
    if text.startswith("chdb:///"):
        return Embedded(text.removeprefix("chdb://").split("?")[0])
    if not text.startswith("clickhouse://"):
        raise BadDsn(f'store must be {FORMS}, got "{_masked(text)}"')
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadDsn(f'store "{_masked(text)}" is not an address; write {FORMS}, in a password %2F for "/"') from None
    if not host:
        raise BadDsn(f'store "{_masked(text)}" names no host; write {FORMS}')
    options = _options(text, parts.query)
    secure = options.get("secure", port in TLS_PORTS)
    return Server(
        host=host,
        port=port or (8443 if secure else 8123),
        database=_database(text, unquote(parts.path.strip("/"))),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        secure=secure,
        verify=options.get("verify", True),
        ca_cert=options.get("ca_cert", ""),
    )


def _database(text: str, name: str) -> str:
    if not name:
        return "coldtrail"
    if not re.fullmatch(r"\w{1,100}", name, re.ASCII):
        raise BadDsn(f'store "{_masked(text)}": a database\'s name is letters, digits and "_", got "{name}"')
    return name


def _options(text: str, query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise BadDsn(f'store "{_masked(text)}": "{name}" is not an option; there are {", ".join(_OPTIONS)}')
        if name != "ca_cert" and value.lower() not in _TRUTH:
            raise BadDsn(f'store "{_masked(text)}": {name} must be true or false, got "{value}"')
        options[name] = value if name == "ca_cert" else _TRUTH[value.lower()]
    return options


def _masked(text: str) -> str:
    """The DSN with its password, however badly the rest is written, replaced by ***."""
    head, at, tail = text.rpartition("@")
    user = re.match(r"(\w+:(?://)?)?[^:]*", head)
    return f"{user[0] if user else ''}:***@{tail}" if at else text
