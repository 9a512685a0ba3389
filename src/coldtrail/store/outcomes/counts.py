"""How many trails of each workflow became what in which minute: for alerts, by when it was decided and not by when they began.

What is done counts when it was done; what is missing, when its time was over. What failed, came twice or out of order counts
when that was first seen, at the latest when the time of its steps was over: a trail that is judged again, because its workflow
changed or something of it came late, stays where it was.
"""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine

# Nothing is known before it was decided, so newer rows than the range's beginning hold all; clocks may differ by minutes.
_COUNTS = """
SELECT workflow, toInt64(intDiv(at, 60000000000) * 60) AS minute_s, state, at_step, count(), any(service), any(trail_id), any(said)
FROM (
  SELECT workflow, trail_id, argMax(o.status, o.version) AS state, argMax(o.step, o.version) AS at_step,
    argMax(o.stopped_service, o.version) AS service, argMax(o.words, o.version) AS said, argMax(o.done_ns, o.version) AS done,
    argMax(arrayMin(arrayFilter((due, was, needed) -> was = 'missing' AND needed, o.deadlines_ns, o.states, o.required)),
      o.version) AS missed,
    argMax(arrayMax(o.deadlines_ns), o.version) AS ends, toInt64(minIf(o.version, o.status NOT IN ('', 'open'))) AS seen,
    multiIf(state IN ('complete', 'late') AND done > 0, done, state = 'incomplete' AND missed > 0, missed,
      ends > 0, least(seen, greatest(ends, done)), seen) AS at
  FROM outcomes AS o
  WHERE received >= toDateTime({since:Int64}) - INTERVAL 10 MINUTE
  GROUP BY workflow, trail_id)
WHERE state NOT IN ('', 'open') AND at >= {since:Int64} * 1000000000 AND at <= {until:Int64} * 1000000000
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
    """Return what trails became in a range of Unix seconds, by minute; reads the days from its beginning on."""
    return [OutcomeCount(*row) for row in engine.rows(_COUNTS, {"since": since_s, "until": until_s})]
