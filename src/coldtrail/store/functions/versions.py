"""Versions that telemetry names, and how a deployment's services did before and after it."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine

MOST_VERSIONS = 20_000


class Version(Struct, frozen=True):
    """A version of a service. ``attribute`` is the one that names it; times are of receipt, Unix seconds."""

    service: str
    attribute: str
    version: str
    first_s: int
    last_s: int


class Health(Struct, frozen=True):
    """Requests and failures of a time."""

    count: int
    error_count: int


_VERSIONS = f"""
SELECT service, attribute, version, toUnixTimestamp(min(first_seen)) AS first, toUnixTimestamp(max(last_seen)) AS last
FROM versions GROUP BY service, attribute, version ORDER BY first DESC LIMIT {MOST_VERSIONS}
"""

_RED = """
SELECT sum(count), sum(error_count) FROM red
WHERE grouping = 'service' AND name IN {services:Array(String)}
  AND minute >= fromUnixTimestamp(intDiv({since:Int64}, 1000000000)) AND minute < fromUnixTimestamp(intDiv({until:Int64}, 1000000000))
"""

# Functions that only their lines tell of.
_REPORTS = """
SELECT count(), countIf(status != '') FROM invocations
WHERE function IN {services:Array(String)} AND source = 'report'
  AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
"""


def versions(engine: Engine) -> list[Version]:
    """Return all versions seen, the newest first; one row each."""
    return [Version(*row) for row in engine.rows(_VERSIONS)]


def services_like(engine: Engine, application: str, since_ns: int) -> list[str]:
    """Return the services that are called as an application is, or begin with its name and a hyphen."""
    rows = engine.rows(
        """SELECT DISTINCT name FROM red WHERE grouping = 'service'
          AND minute >= fromUnixTimestamp(intDiv({since:Int64}, 1000000000))
          AND (name = {application:String} OR startsWith(name, concat({application:String}, '-')))
        UNION DISTINCT SELECT DISTINCT function FROM invocations
        WHERE time >= fromUnixTimestamp64Nano({since:Int64})
          AND (function = {application:String} OR startsWith(function, concat({application:String}, '-')))
        LIMIT 1000""",
        {"application": application, "since": since_ns},
    )
    return sorted(str(row[0]) for row in rows)


def health(engine: Engine, services: list[str], since_ns: int, until_ns: int) -> Health:
    """Return the requests of services in a range of whole minutes; reads a few granules of the roll-up."""
    parameters = {"services": services, "since": since_ns, "until": until_ns}
    count, errors = engine.rows(_RED, parameters)[0]
    if not count:
        count, errors = engine.rows(_REPORTS, parameters)[0]
    return Health(count, errors)
