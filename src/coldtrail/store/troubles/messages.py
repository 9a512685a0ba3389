"""What deliveries tell of sources and clocks: who is late, who is not known, who feeds itself. Every answer is bounded."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.sources.listed import RANGE

MOST_GROUPS = 2_000
MOST_UNITS = 5

_BY_SPAN = "span_id != toFixedString('', 8)"

_COLUMNS = """at, kind, name, message, slot, sender, consumer, trail_id, how, taker, sent_ns, taken_ns, waited_ms, failed, partial,
  batch, number, dead_letter_of, version"""


def _newest(also: str = "") -> str:
    return f"SELECT {_COLUMNS} FROM deliveries WHERE {RANGE}{also} ORDER BY version DESC LIMIT 1 BY message, slot"


class Course(Struct, frozen=True):
    """The messages that were sent to one source within a minute (Unix seconds).

    ``taken``: those that somebody took; ``named``: those whose sender is told, the last of them sent at ``named_ns``.
    ``wait_ms``: the median of their waits, 0.0 where none is known. ``late``: those untaken that were sent before
    ``late_ns`` of the question, the last at ``latest_ns``; ``oldest_ns``: when the oldest untaken one was sent, 0: none;
    ``taken_ns``: when the newest of those was sent (or taken, where nobody says) that somebody took. ``nameless``: taken,
    sent before ``settled_ns`` of the question, and nobody told by whom. ``units``: trails of untaken ones; ``consumers``
    took some.
    """

    kind: str
    name: str
    minute_s: int
    count: int
    taken: int
    named: int
    waits: int
    wait_ms: float
    late: int
    oldest_ns: int
    last_ns: int
    units: tuple[str, ...]
    senders: tuple[str, ...]
    consumers: tuple[str, ...]
    nameless: int
    named_ns: int
    latest_ns: int
    taken_ns: int


def courses(
    engine: Engine, since_ns: int, until_ns: int, late_ns: int, settled_ns: int
) -> dict[tuple[str, str], list[Course]]:
    """Return every source's messages by the minute of their sending, by (kind, name), in order of time; one row a message."""
    query = f"""SELECT kind, name, toUnixTimestamp(toStartOfMinute(at)) AS minute, count(), countIf(taker != ''), countIf(sender != ''),
          countIf(isNotNull(waited_ms)), quantileTDigestIf(0.5)(ifNull(waited_ms, 0), isNotNull(waited_ms)),
          countIf(taker = '' AND sent_ns > 0 AND sent_ns < {{late:Int64}}), minIf(sent_ns, taker = '' AND sent_ns > 0),
          toUnixTimestamp64Nano(max(at)), groupArrayIf({MOST_UNITS})(trail_id, taker = '' AND trail_id != ''),
          groupUniqArrayIf(10)(toString(sender), sender != ''), groupUniqArrayIf(10)(toString(consumer), consumer != ''),
          countIf(sender = '' AND taker != '' AND toUnixTimestamp64Nano(at) < {{settled:Int64}}),
          toUnixTimestamp64Nano(maxIf(at, sender != '')), maxIf(sent_ns, taker = '' AND sent_ns > 0 AND sent_ns < {{late:Int64}}),
          toUnixTimestamp64Nano(maxIf(at, taker != ''))
        FROM (SELECT * FROM ({_newest()}) WHERE slot = 0 AND dead_letter_of = '')
        GROUP BY kind, name, minute ORDER BY kind, name, minute LIMIT {MOST_GROUPS * 30}"""
    found: dict[tuple[str, str], list[Course]] = {}
    bound = {"since": since_ns, "until": until_ns, "late": late_ns, "settled": settled_ns}
    for row in engine.rows(query, bound):
        wait_ms = float(row[7]) if row[7] == row[7] else 0.0
        one = Course(*(*row[:7], wait_ms, *row[8:11], *map(tuple, row[11:14]), *row[14:]))
        found.setdefault((one.kind, one.name), []).append(one)
    return found


class Ahead(Struct, frozen=True):
    """Whose clock differs: messages that were taken before they were sent."""

    minute_s: int
    ahead: str
    behind: str
    count: int
    of: int
    skew_ms: float
    last_ns: int
    units: tuple[str, ...]


def taken_before_sent(engine: Engine, since_ns: int, until_ns: int, least_ms: float) -> list[Ahead]:
    """Return senders and consumers of messages that were taken at least so long before they were sent, by minute.

    Read from the keys of messages, because a trail puts a message's sending before its taking. A sending is told by its
    span; a line about it may be written at any time later.
    """
    query = f"""SELECT toUnixTimestamp(toStartOfMinute(sent)) AS minute, sender, taker, countIf(gap_ms >= {{least:Float64}}) AS n, count(),
          quantileTDigestIf(0.5)(gap_ms, gap_ms >= {{least:Float64}}), toUnixTimestamp64Nano(max(sent)),
          groupArrayIf({MOST_UNITS})(run, gap_ms >= {{least:Float64}})
        FROM (SELECT minIf(k.time, role = 'gives' AND {_BY_SPAN}) AS sent, minIf(k.time, role = 'takes') AS taken,
            argMinIf(toString(service), k.time, role = 'gives' AND {_BY_SPAN}) AS sender,
            argMinIf(toString(service), k.time, role = 'takes') AS taker, anyIf(request_id, role = 'takes') AS run,
            dateDiff('millisecond', taken, sent) AS gap_ms
          FROM message_keys AS k WHERE {RANGE.replace("at ", "k.time ")} GROUP BY kind, key_hash HAVING sender != '' AND taker != '')
        GROUP BY minute, sender, taker HAVING n > 0 LIMIT {MOST_GROUPS}"""
    rows = engine.rows(query, {"since": since_ns, "until": until_ns, "least": least_ms})
    return [Ahead(*(*row[:7], tuple(one for one in row[7] if one))) for row in rows]


class Lead(Struct, frozen=True):
    """How far before its beginning the runs of one function were received, by kind of signal: the second and the ninth decile, in ms.

    ``received`` is when the log's segment was begun that they came in, which is some seconds earlier for all alike.
    """

    function: str
    source: str
    count: int
    low_ms: float
    high_ms: float
    minute_s: int
    last_ns: int
    units: tuple[str, ...]


def leads(engine: Engine, since_ns: int, until_ns: int) -> list[Lead]:
    """Return by how much the runs of each function are ahead of their receipt; negative where they are behind it."""
    query = f"""SELECT function, toString(source), count(), quantile(0.2)(ahead_ms), quantile(0.9)(ahead_ms),
          toUnixTimestamp(toStartOfMinute(max(time))), toUnixTimestamp64Nano(max(time)), groupArray({MOST_UNITS})(request_id)
        FROM (SELECT time, function, source, request_id, dateDiff('millisecond', received, time) AS ahead_ms
          FROM invocations WHERE {RANGE.replace("at ", "time ")})
        GROUP BY function, source LIMIT {MOST_GROUPS}"""
    rows = engine.rows(query, {"since": since_ns, "until": until_ns})
    return [Lead(*(*row[:7], tuple(one for one in row[7] if one))) for row in rows]


class Loop(Struct, frozen=True):
    """A function of one trail that took so many messages of one source which it had sent itself."""

    minute_s: int
    function: str
    kind: str
    name: str
    trail_id: str
    count: int
    first_ns: int
    last_ns: int


def fed_by_itself(engine: Engine, since_ns: int, until_ns: int, least: int) -> list[Loop]:
    """Return trails in which a function took at least so many messages that it had sent itself."""
    query = f"""SELECT toUnixTimestamp(toStartOfMinute(min(at))), consumer, kind, name, trail_id, uniqExact(message) AS n,
          toUnixTimestamp64Nano(min(at)), toUnixTimestamp64Nano(max(at))
        FROM ({_newest(" AND sender = consumer AND sender != ''")}) WHERE trail_id != ''
        GROUP BY consumer, kind, name, trail_id HAVING n >= {{least:UInt32}} ORDER BY n DESC LIMIT {MOST_GROUPS}"""
    return [Loop(*row) for row in engine.rows(query, {"since": since_ns, "until": until_ns, "least": least})]


class Batches(Struct, frozen=True):
    """How one consumer gets on with one source: ``failed`` deliveries in batches of several that failed as a whole.

    ``good_later``: of those messages, how many went through at a later try. ``most_tries``: of one message in vain;
    ``dead``: how many messages were given up to a dead-letter queue.
    """

    kind: str
    name: str
    consumer: str
    failed: int
    partial: int
    good_later: int
    most_tries: int
    dead: int
    last_ns: int
    units: tuple[str, ...]


def batches(engine: Engine, since_ns: int, until_ns: int) -> list[Batches]:
    """Return how consumers got on with batches over a range."""
    query = f"""SELECT kind, name, consumer, sum(failed_whole), sum(failed_partly), countIf(failed_whole > 0 AND went > 0),
          maxIf(tried, went = 0), sum(dead), max(last_ns), groupArrayIf({MOST_UNITS})(trail, failed_whole > 0)
        FROM (SELECT kind, name, consumer, message, countIf(failed AND NOT partial AND batch > 1) AS failed_whole,
            countIf(partial) AS failed_partly, countIf(NOT failed) AS went, countIf(failed) AS tried,
            countIf(dead_letter_of != '') AS dead, max(taken_ns) AS last_ns, any(trail_id) AS trail
          FROM ({_newest(" AND taker != ''")}) GROUP BY kind, name, consumer, message)
        GROUP BY kind, name, consumer HAVING sum(tried) > 0 LIMIT {MOST_GROUPS}"""
    rows = engine.rows(query, {"since": since_ns, "until": until_ns})
    return [Batches(*(*row[:9], tuple(one for one in row[9] if one))) for row in rows]
