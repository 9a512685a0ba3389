"""In which seconds something happened: of functions, for those who ask whether they have fallen silent."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine

MOST_FUNCTIONS = 2_000

_IN = "{at} >= fromUnixTimestamp64Nano({{since:Int64}}) AND {at} < fromUnixTimestamp64Nano({{until:Int64}})"


class Pulse(Struct, frozen=True):
    """The seconds (Unix) in which a function began to run, ascending; ``count``: how often.

    ``late_s``: how long after they ran one had heard of nine in ten of its runs.
    """

    function: str
    seconds: list[int]
    count: int
    late_s: int


def pulses(engine: Engine, since_ns: int, until_ns: int) -> list[Pulse]:
    """Return the seconds of every function; reads two columns of the range's invocations."""
    rows = engine.rows(
        f"""SELECT function, arraySort(groupUniqArray(toUnixTimestamp(time))), count(),
          toInt64(ceil(quantile(0.9)(dateDiff('second', time, received))))
        FROM invocations WHERE {_IN.format(at="time")} GROUP BY function ORDER BY count() DESC LIMIT {MOST_FUNCTIONS}""",
        {"since": since_ns, "until": until_ns},
    )
    return [Pulse(function, list(seconds), count, late_s) for function, seconds, count, late_s in rows]


def minutes_of(engine: Engine, functions: list[str], since_ns: int, until_ns: int) -> dict[str, list[int]]:
    """Return in which minutes (Unix seconds, ascending) each of some functions ran; for few functions, over a day."""
    rows = engine.rows(
        f"""SELECT function, arraySort(groupUniqArray(toUnixTimestamp(toStartOfMinute(time)))) FROM invocations
        WHERE {_IN.format(at="time")} AND function IN {{functions:Array(String)}} GROUP BY function""",
        {"since": since_ns, "until": until_ns, "functions": functions},
    )
    return {function: list(minutes) for function, minutes in rows}
