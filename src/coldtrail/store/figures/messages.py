"""Figures of a queue, stream, topic or bus from its messages: what waits, how old it is, what is being worked on.

A message is known by its key. Messages sent before the range still wait in it, so an hour before it is read as well.
"""

from __future__ import annotations

import time

from msgspec import structs

from coldtrail.store.engine import Engine
from coldtrail.store.figures.steps import Figures, Steps
from coldtrail.store.resource_names import Resource

KEY_KINDS = {"kinesis": "sequence_number", "sqs": "message_id", "sns": "message_id", "eventbridge": "event_id"}
MOST_MESSAGES = 200_000
"""So many messages of a range are looked at, the newest first."""

LOOK_BACK_NS = 3600 * 10**9


def _within(at: str, more: str = "", later: str = "") -> str:
    low, high = ("fromUnixTimestamp64Nano({early:Int64})" + more, "fromUnixTimestamp64Nano({until:Int64})" + later)
    return f"{at} >= {low} AND {at} < {high}"


# A span or a line carries the key of a message and the name of what it is on.
_ON = f"""
SELECT DISTINCT key_hash, toUInt64(indexOf({{names:Array(String)}}, name)) AS number FROM (
  SELECT key_hash, arrayJoin(arrayDistinct([span_key, line_key])) AS carrier FROM message_keys
  WHERE {_within("time")} AND kind = {{key_kind:String}}) AS k
INNER JOIN (
  SELECT carrier, toString(name) AS name FROM named
  WHERE kind = {{resource_kind:String}} AND name IN {{names:Array(String)}} AND {_within("time")}) AS n ON k.carrier = n.carrier
LIMIT {MOST_MESSAGES}
"""

_TOLD = f"""
SELECT key_hash, role = 'gives' AS giving, if(role = 'gives', 0, cityHash64(service)) AS who, request_id != '' AS requested,
  if(role = 'gives', 0, if(request_id != '', cityHash64(request_id), cityHash64(span_id))) AS attempt,
  toUnixTimestamp64Nano(min(k.time)) AS first, toUnixTimestamp64Nano(max(k.time)) AS last
FROM message_keys AS k
WHERE {_within("k.time", " - INTERVAL 1 DAY", " + INTERVAL 1 DAY")} AND key_hash IN (SELECT key_hash FROM ({_ON}))
GROUP BY key_hash, giving, who, requested, attempt
"""

_ROWS = f"""
SELECT key_hash, toUInt64(giving), who, toUInt64(requested), first, last, toUInt64(0) FROM ({_TOLD})
"""

_WORKED_ROWS = f"""
SELECT key_hash, toUInt64(giving), who, toUInt64(requested), first, greatest(last, ended), toUInt64(failed)
FROM ({_TOLD}) AS told
LEFT JOIN (
  SELECT cityHash64(request_id) AS attempt, max(i.status IN ('error', 'timeout', 'out_of_memory')) AS failed,
    max(toUnixTimestamp64Nano(i.time) + toInt64(ifNull(i.duration_ms, 0) * 1e6)) AS ended
  FROM invocations AS i
  WHERE {_within("i.time", " - INTERVAL 15 MINUTE", " + INTERVAL 1 DAY")} AND cityHash64(request_id) IN (
    SELECT attempt FROM ({_TOLD}) WHERE requested AND NOT giving)
  GROUP BY attempt) AS worked ON told.attempt = worked.attempt
"""
"""A row an attempt at a message, and one of its sending; an attempt lasts as long as its invocation, or as its signals."""

WORK = ("messages.done", "messages.in_flight")
"""What is told of attempts only with their invocations."""


def figures_of_messages(engine: Engine, resource: Resource, steps: Steps) -> Figures:
    """Return the figures of the messages on a resource; reads who named it, and the keys of messages a day around."""
    return figures_of_many(engine, resource.kind, [resource.name], steps)[resource.name]


def figures_of_many(
    engine: Engine, kind: str, names: list[str], steps: Steps, *, work: bool = True
) -> dict[str, Figures]:
    """Return the figures of the messages on some resources of one kind, by name; reads as much for many as for one.

    Without ``work`` those of `WORK` are left out, and no invocation is read.
    """
    import numpy as np

    from coldtrail.store.sources.told import ROW, Told, figures_of_told

    early_ns = steps.since_ns - max(LOOK_BACK_NS, steps.until_ns - steps.since_ns)
    parameters = steps.parameters(resource_kind=kind, names=names, early=early_ns, key_kind=KEY_KINDS[kind])
    on = np.frombuffer(engine.row_binary(_ON, parameters), dtype=[("key", "<u8"), ("number", "<u8")])
    if not len(on):
        return {name: {} for name in names}
    rows = np.frombuffer(engine.row_binary(_WORKED_ROWS if work else _ROWS, parameters), dtype=ROW)
    # The last step may end after now, until when nothing can have waited.
    until_now = structs.replace(steps, until_ns=min(steps.until_ns, time.time_ns()))
    found = {}
    for number, name in enumerate(names, start=1):
        mine = rows[np.isin(rows["key"], on["key"][on["number"] == number])]
        figures = figures_of_told(Told.of(mine), until_now)
        found[name] = figures if work else {way: values for way, values in figures.items() if way not in WORK}
    return found
