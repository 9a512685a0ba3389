"""What may go wrong between us and the engine, and whose fault it is."""

from __future__ import annotations

from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from coldtrail.store.dsn import Embedded, Server

UNKNOWN_TABLE, UNKNOWN_DATABASE, AUTHENTICATION_FAILED, MEMORY_LIMIT_EXCEEDED = 60, 81, 516, 241

PASSING = {
    # The disk: cannot read, write or open; not enough space.
    *(74, 75, 76, 243),
    # The network or another node: time-out, socket time-out, network error, all tries failed, aborted, keeper, quorum.
    *(159, 209, 210, 225, 236, 279, 285, 286, 319, 999),
    # The server is busy or being worked on: read-only, too many queries, quota, too many parts, cancelled, overloaded.
    *(164, 201, 202, 242, 252, 394, 439, 745),
    # It was set up again, or its doors were closed: no such table, database, user or right.
    *(UNKNOWN_TABLE, UNKNOWN_DATABASE, 192, 497, AUTHENTICATION_FAILED),
}
"""Codes that say nothing about what was to be loaded. Source: ClickHouse, `src/Common/ErrorCodes.cpp`."""


class EngineError(Exception):
    """The engine refused a statement; ``code`` is ClickHouse's number, 0 where it gave none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code

    @property
    def passing(self) -> bool:
        """Whether the same statement may do better later."""
        return self.code in PASSING


class Unreachable(EngineError):
    """The server does not answer; what was asked may or may not have been done."""

    @property
    def passing(self) -> bool:
        """It may answer later."""
        return True


def refusal(store: Embedded | Server, error: ClickHouseError | HTTPError) -> EngineError:
    """Return what an error of the client library means for us."""
    message = str(error)
    code = getattr(error, "code", None) or _code(message)
    if isinstance(store, Embedded):
        return EngineError(message, code)
    if code:
        return EngineError(store.without_password(message), code)
    cause = error if isinstance(error, HTTPError) else error.__cause__
    if isinstance(cause, HTTPError):
        return Unreachable(f"ClickHouse at {store.shown} does not answer: {_innermost(cause)}")
    if "HTTP status 5" in message:
        return Unreachable(f"ClickHouse at {store.shown} does not answer: {store.without_password(message)[:200]}")
    return EngineError(store.without_password(message))


def _innermost(error: BaseException) -> str:
    """The shortest true sentence: what the operating system said, else the kind of error."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            return found.strerror
        found = getattr(found, "reason", None) or found.__cause__ or found.__context__
        if not isinstance(found, BaseException):
            break
    return type(error).__name__


def _code(message: str) -> int:
    _, found, rest = message.partition("Code: ")
    digits = rest.split(".")[0].strip() if found else ""
    return int(digits) if digits.isdigit() else 0
