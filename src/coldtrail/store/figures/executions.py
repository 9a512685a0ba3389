"""Figures of a state machine from the histories of its executions (logging level ALL, ERROR or FATAL).

Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history" (types of events; the ARN of an
execution has its state machine's name as its seventh part).
"""

from __future__ import annotations

from coldtrail.services.stepfunctions import HISTORY
from coldtrail.store.engine import Engine
from coldtrail.store.figures.steps import Figures, Steps, columns, in_range, step_of

ENDS = ("Succeeded", "Failed", "Aborted", "TimedOut")
_TYPES = ("Started", *ENDS)
_NAMES = ", ".join(f"'{HISTORY}Execution{one}'" for one in _TYPES)
_OF_MACHINE = f"event_name IN ({_NAMES}) AND splitByChar(':', request_id)[7] = {{name:String}}"

_COUNTS = f"""
SELECT {step_of("time")} AS step,
  {", ".join(f"uniqIf(request_id, event_name = '{HISTORY}Execution{one}')" for one in _TYPES)}
FROM logs WHERE {in_range("time")} AND {_OF_MACHINE} GROUP BY step ORDER BY step
"""

# One that ends in the range may have begun long before it.
_DURATIONS = f"""
SELECT {step_of("ended")} AS step, quantileTDigest(0.95)(dateDiff('nanosecond', started, ended) / 1e6) FROM (
  SELECT request_id, minIf(time, event_name = '{HISTORY}ExecutionStarted') AS started,
    countIf(event_name = '{HISTORY}ExecutionStarted') AS starts,
    maxIf(time, event_name != '{HISTORY}ExecutionStarted') AS ended, count() AS records
  FROM logs
  WHERE time >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 1 DAY
    AND time < fromUnixTimestamp64Nano({{until:Int64}}) AND {_OF_MACHINE}
  GROUP BY request_id HAVING starts > 0 AND records > starts)
WHERE {in_range("ended")} GROUP BY step ORDER BY step
"""


def figures_of_executions(engine: Engine, name: str, steps: Steps) -> Figures:
    """Return the figures of a state machine; reads the event names of the range's log records and of the day before."""
    parameters = steps.parameters(name=name)
    figures = columns(engine.rows(_COUNTS, parameters), tuple(f"execution.{one}" for one in _TYPES))
    return figures | columns(engine.rows(_DURATIONS, parameters), ("execution.duration_p95",))


_ALL_STARTED = """
SELECT intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {since:Int64}, {step:Int64}) AS step, sum(u.count)
FROM usage AS u
WHERE minute >= toStartOfMinute(fromUnixTimestamp64Nano({since:Int64})) AND minute < fromUnixTimestamp64Nano({until:Int64})
  AND kind = 'stepfunctions' AND operation = 'start'
GROUP BY step ORDER BY step
"""


def executions_started(engine: Engine, steps: Steps) -> Figures:
    """Return how many executions of all state machines started; reads the roll-up of usage."""
    return columns(engine.rows(_ALL_STARTED, steps.parameters()), ("execution.Started",))
