"""Which services, functions, routes and entries sent something of late: for those who check names that people write."""

from __future__ import annotations

from typing import Literal

from coldtrail.store.engine import Engine

Of = Literal["service", "function", "route", "entry"]

MOST = 20_000

_SEEN: dict[Of, str] = {
    "service": "SELECT DISTINCT toString(name) FROM red WHERE grouping = 'service' AND minute >= fromUnixTimestamp({since:Int64})",
    "route": """SELECT DISTINCT toString(name) FROM red WHERE grouping = 'route' AND minute >= fromUnixTimestamp({since:Int64})
        UNION DISTINCT SELECT DISTINCT toString(route) FROM requests WHERE start >= fromUnixTimestamp({since:Int64})""",
    "function": "SELECT DISTINCT toString(function) FROM invocations WHERE time >= fromUnixTimestamp({since:Int64})",
    "entry": "SELECT DISTINCT concat(method, ' ', route) FROM requests WHERE start >= fromUnixTimestamp({since:Int64})",
}


def names_seen(engine: Engine, of: Of, since_s: int) -> frozenset[str]:
    """Return the names of a kind since a Unix second; reads two columns of the days since then."""
    rows = engine.rows(f"SELECT * FROM ({_SEEN[of]}) LIMIT {MOST}", {"since": since_s})
    return frozenset(str(row[0]) for row in rows)
