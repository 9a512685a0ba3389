"""How many trails of each workflow became what in which minute: for alerts, by when it was known and not by when they began."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine

_COUNTS = """
SELECT workflow, toInt64(intDiv(known, 60000000000) * 60) AS minute_s, state, at_step, count(), any(service), any(trail_id), any(said)
FROM (
  SELECT workflow, trail_id, max(o.version) AS known, argMax(o.status, o.version) AS state, argMax(o.step, o.version) AS at_step,
    argMax(o.stopped_service, o.version) AS service, argMax(o.words, o.version) AS said
  FROM outcomes AS o
  WHERE received >= toDateTime({since:Int64}) AND received <= toDateTime({until:Int64})
  GROUP BY workflow, trail_id)
WHERE state NOT IN ('', 'open')
GROUP BY workflow, minute_s, state, at_step ORDER BY minute_s, workflow, state, at_step
"""


class OutcomeCount(Struct, frozen=True):
    """So many trails of a workflow became ``status`` by ``step`` in a minute; of one of them the service where it stopped and words."""

    workflow: str
    minute_s: int
    status: str
    step: str
    count: int
    service: str
    trail_id: str
    words: str


def outcome_counts(engine: Engine, since_s: int, until_s: int) -> list[OutcomeCount]:
    """Return what trails became in a range of Unix seconds, by minute; reads the days of the range."""
    return [OutcomeCount(*row) for row in engine.rows(_COUNTS, {"since": since_s, "until": until_s})]
