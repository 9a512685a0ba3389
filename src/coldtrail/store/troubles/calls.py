"""Calls from the roll-ups: how often callers called what mostly failed, minute by minute, and who calls what since when."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine

MOST_PAIRS = 200

_IN = "minute >= fromUnixTimestamp64Nano({since:Int64}) AND minute < fromUnixTimestamp64Nano({until:Int64})"


class Minute(Struct, frozen=True):
    """What one caller did to one thing within a minute (Unix seconds); ``failing``: a trace (32 hex) with such a call."""

    minute_s: int
    count: int
    error_count: int
    last_ns: int
    failing: str


def mostly_failing(
    engine: Engine, since_ns: int, until_ns: int, least: int, share: float
) -> dict[tuple[str, str], list[Minute]]:
    """Return, by (caller, called), the minutes with at least so many failed calls that are such a share of all."""
    query = f"""SELECT service, name, toUnixTimestamp(minute) AS at, sum(count) AS n, sum(error_count) AS failed,
          toUnixTimestamp64Nano(max(last_seen)), lower(hex(argMaxIfMerge(failing)))
        FROM calls WHERE {_IN} AND NOT taking GROUP BY service, name, at
        HAVING failed >= {{least:UInt64}} AND failed >= n * {{share:Float64}} ORDER BY failed DESC LIMIT {MOST_PAIRS}"""
    found: dict[tuple[str, str], list[Minute]] = {}
    for caller, called, *figures in engine.rows(
        query, {"since": since_ns, "until": until_ns, "least": least, "share": share}
    ):
        found.setdefault((caller, called), []).append(Minute(*figures))
    return found


def calls_by_minute(
    engine: Engine, called: list[str], since_ns: int, until_ns: int
) -> dict[tuple[str, str], dict[int, int]]:
    """Return how often each caller called each of some things: `{(caller, called): {minute_s: count}}`."""
    query = f"""SELECT service, name, toUnixTimestamp(minute) AS at, sum(count) FROM calls
        WHERE {_IN} AND NOT taking AND name IN {{called:Array(String)}} GROUP BY service, name, at"""
    found: dict[tuple[str, str], dict[int, int]] = {}
    for caller, name, at, count in engine.rows(query, {"since": since_ns, "until": until_ns, "called": called}):
        found.setdefault((caller, name), {})[at] = count
    return found


def runs_by_minute(engine: Engine, functions: list[str], since_ns: int, until_ns: int) -> dict[str, dict[int, int]]:
    """Return how often each of some services was asked to do something: `{service: {minute_s: count}}`, from two roll-ups.

    A function's runs are its invocations; what is no function is counted by its spans that take requests.
    """
    bound = {"since": since_ns, "until": until_ns, "functions": functions}
    found: dict[str, dict[int, int]] = {}
    for query in (
        f"""SELECT name, toUnixTimestamp(minute) AS at, sum(count) FROM red
        WHERE grouping = 'service' AND {_IN} AND name IN {{functions:Array(String)}} GROUP BY name, at""",
        f"""SELECT function, toUnixTimestamp(toStartOfMinute(time)) AS at, uniqExact(request_id) FROM invocations
        WHERE {_IN.replace("minute ", "time ")} AND function IN {{functions:Array(String)}} GROUP BY function, at""",
    ):
        of_this: dict[str, dict[int, int]] = {}
        for name, at, count in engine.rows(query, bound):
            of_this.setdefault(name, {})[at] = count
        found |= of_this
    return found


class Pair(Struct, frozen=True):
    """Who calls what: since which minute (Unix seconds), how often, and an example; ``caller_since_s``: since when it calls anything.

    ``calls_before``: how often it had called anything before the time since which pairs are new.
    """

    caller: str
    kind: str
    name: str
    since_s: int
    count: int
    last_ns: int
    caller_since_s: int
    calls_before: int


def new_pairs(engine: Engine, since_ns: int, new_since_ns: int, until_ns: int) -> list[Pair]:
    """Return callers and what they call since ``new_since_ns`` and had not called since ``since_ns``; reads the roll-up of calls."""
    rows = engine.rows(
        """SELECT service, kind, name, first, n, last_ns, known_since, before FROM (
          SELECT service, kind, name, first, n, last_ns, min(first) OVER (PARTITION BY service) AS known_since,
            sum(old) OVER (PARTITION BY service) AS before
          FROM (
            SELECT service, kind, name, toUnixTimestamp(min(minute)) AS first, sum(count) AS n,
              sumIf(count, toUnixTimestamp(minute) < {fresh:UInt32}) AS old, toUnixTimestamp64Nano(max(last_seen)) AS last_ns
            FROM calls WHERE minute >= fromUnixTimestamp64Nano({since:Int64}) AND minute < fromUnixTimestamp64Nano({until:Int64})
              AND NOT taking GROUP BY service, kind, name HAVING n > 0
          )
        ) WHERE first >= {fresh:UInt32} LIMIT """
        + str(MOST_PAIRS),
        {"since": since_ns, "until": until_ns, "fresh": new_since_ns // 10**9},
    )
    return [Pair(*row) for row in rows]
