"""An EventBridge bus that delivers by a queueing law: its delay grows with its load, and no function shows it.

moto keeps the bus, its rules and its targets, and takes the events; the lab delivers to functions, asynchronously as
Lambda does. An event waits in line for one of ``servers`` that take an exponential time each (M/M/c, first come
first served), so with load the wait grows without a step, and past ``servers / mean_s`` events a second without bound.

Sources: Amazon EventBridge User Guide, "Event structure" (the envelope; `time` in whole seconds), "Monitoring Amazon
EventBridge" (metrics); EventBridge Scheduler User Guide, "Adding context attributes".
"""

from __future__ import annotations

import heapq
import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from coldtrail_lab.function import Function, Result, Throttled
from coldtrail_lab.log_delivery import ACCOUNT, REGION
from coldtrail_lab.meters import Meters
from coldtrail_lab.truth import Thing, Truth, subject_of

Entry = dict[str, Any]
BACK_OFF_S = 0.5
MOST_AT_ONCE = 16


class QueueingLaw:
    """When what arrives at a moment leaves: the same for the same seed and arrivals."""

    def __init__(self, seed: int, servers: int = 1, mean_s: float = 0.12, least_s: float = 0.02) -> None:
        self._dice = random.Random(seed)
        self._mean_s = mean_s
        self._least_s = least_s
        self._free_s = [0.0] * servers

    def leaves_s(self, arrives_s: float) -> float:
        """Return when an event that arrives then is handed over. Arrivals are given in order."""
        begins_s = max(arrives_s, heapq.heappop(self._free_s))
        done_s = begins_s + self._dice.expovariate(1 / self._mean_s)
        heapq.heappush(self._free_s, done_s)
        return done_s + self._least_s


@dataclass(order=True)
class Waiting:
    """One event in line; ``ahead``: how many were in line before it when it came."""

    leaves_s: float
    number: int
    event: dict[str, Any] = field(compare=False)
    cause: Thing = field(compare=False)
    arrived_ns: int = field(compare=False)
    ahead: int = field(compare=False)
    targets: list[tuple[str, Function]] = field(compare=False)
    trace_header: str = field(compare=False, default="")


class Bus:
    """The delivery of one bus; `put` is told of every event that moto has accepted."""

    def __init__(
        self, name: str, events: Any, functions: Mapping[str, Function], law: QueueingLaw, truth: Truth, meters: Meters
    ) -> None:
        self.name = name
        self._functions = {function.arn: function for function in functions.values()}
        self._rules = self._read_rules(events)
        self._law, self._truth, self._meters = law, truth, meters
        self._line: list[Waiting] = []
        self._number = self._under_way = 0
        self._changed = threading.Condition()
        self._stopping = False
        self.drops: Callable[[str], bool] = lambda event_id: False
        """Whether an event is given up instead of delivered."""
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, f"bus-{name}")
        self._thread = threading.Thread(target=self._run, name=f"bus-{name}", daemon=True)
        self._thread.start()

    def _read_rules(self, events: Any) -> dict[str, tuple[dict[str, Any], list[Function]]]:
        """Return rule name to pattern and target functions."""
        found = {}
        for rule in events.list_rules(EventBusName=self.name)["Rules"]:
            targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=self.name)["Targets"]
            functions = [self._functions[target["Arn"]] for target in targets if target["Arn"] in self._functions]
            found[rule["Name"]] = (json.loads(rule["EventPattern"]), functions)
        return found

    def put(self, event_id: str, entry: Entry) -> None:
        """Let an event wait in line."""
        if entry.get("EventBusName", "default").rsplit("/", 1)[-1] != self.name:
            return
        targets = [
            (rule, function)
            for rule, (pattern, functions) in self._rules.items()
            if entry["Source"] in pattern.get("source", [entry["Source"]])
            and entry["DetailType"] in pattern.get("detail-type", [entry["DetailType"]])
            for function in functions
        ]
        now_ns = time.time_ns()
        event = envelope(event_id, entry, now_ns)
        cause = {"type": "message", "service": "eventbridge", "id": event_id}
        self._count("MatchedEvents", float(bool(targets)))
        for rule in {rule for rule, _ in targets}:
            self._count("TriggeredRules", rule=rule)
        self.wait(event, cause, targets, now_ns, entry.get("TraceHeader", ""))

    def wait(
        self,
        event: dict[str, Any],
        cause: Thing,
        targets: list[tuple[str, Function]],
        arrived_ns: int,
        trace_header: str = "",
    ) -> None:
        """Put what is to be handed to ``targets`` in line."""
        with self._changed:
            self._number += 1
            leaves_s = self._law.leaves_s(time.monotonic())
            waiting = Waiting(leaves_s, self._number, event, cause, arrived_ns, len(self._line), targets, trace_header)
            heapq.heappush(self._line, waiting)
            self._changed.notify_all()

    def length(self) -> int:
        """Return how many events wait in line."""
        with self._changed:
            return len(self._line)

    def idle(self) -> bool:
        """Whether everything has been delivered."""
        with self._changed:
            return not self._line and not self._under_way

    def close(self) -> None:
        """Abandon what still waits."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout=10)
        self._pool.shutdown(cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (not self._line or self._line[0].leaves_s > time.monotonic()):
                    due_s = self._line[0].leaves_s - time.monotonic() if self._line else None
                    self._changed.wait(due_s)
                if self._stopping:
                    return
                waiting = heapq.heappop(self._line)
                self._under_way += len(waiting.targets)
            for rule, function in waiting.targets:
                self._pool.submit(self._deliver, waiting, rule, function)

    def _deliver(self, waiting: Waiting, rule: str, function: Function) -> None:
        try:
            self._invoke(waiting, rule, function)
        finally:
            with self._changed:
                self._under_way -= 1

    def _invoke(self, waiting: Waiting, rule: str, function: Function) -> None:
        if self.drops(str(waiting.event.get("id", ""))):
            self._of_function(function, "AsyncEventsReceived")
            self._of_function(function, "AsyncEventsDropped")
            return
        request_id, taken_ns = str(uuid.uuid4()), time.time_ns()
        self._truth.says(
            "triggers" if waiting.cause["type"] == "schedule" else "delivers",
            waiting.cause,
            {"type": "invocation", "function": function.name, "id": request_id},
            time_ns=taken_ns,
            wait_ms=(taken_ns - waiting.arrived_ns) / 1e6,
            ahead=waiting.ahead,
            subject=subject_of(json.dumps(waiting.event)),
        )
        of_a_rule = waiting.cause["type"] == "message"
        if of_a_rule:
            self._started(waiting, rule, taken_ns)
        self._of_function(function, "AsyncEventsReceived")
        while not self._stopping:
            age_ms = (time.time_ns() - taken_ns) / 1e6
            try:
                result = function.invoke(waiting.event, trace_header=waiting.trace_header, request_id=request_id)
                self._of_function(function, "AsyncEventAge", age_ms, "Milliseconds")
                if of_a_rule:
                    self._ended(waiting, rule, result)
                return
            except Throttled:
                time.sleep(BACK_OFF_S)

    def _of_function(self, function: Function, name: str, value: float = 1.0, unit: str = "Count") -> None:
        """Source: AWS Lambda Developer Guide, "Types of metrics for Lambda functions", asynchronous invocation."""
        self._meters.add("AWS/Lambda", name, value, unit, FunctionName=function.name)

    def _started(self, waiting: Waiting, rule: str, taken_ns: int) -> None:
        waited_ms = (taken_ns - waiting.arrived_ns) / 1e6
        self._count("Invocations", rule=rule)
        self._count("InvocationAttempts", rule=rule)
        self._count("IngestionToInvocationStartLatency", waited_ms, "Milliseconds", rule=rule)

    def _ended(self, waiting: Waiting, rule: str, result: Result) -> None:
        took_ms = (time.time_ns() - waiting.arrived_ns) / 1e6
        self._count("IngestionToInvocationCompleteLatency", took_ms, "Milliseconds", rule=rule)
        self._count("FailedInvocations", float(result.status != "ok"), rule=rule)

    def _count(self, name: str, value: float = 1.0, unit: str = "Count", rule: str = "") -> None:
        more = {"RuleName": rule} if rule else {}
        self._meters.add("AWS/Events", name, value, unit, EventBusName=self.name, **more)


class Schedule:
    """An EventBridge Scheduler schedule whose target is a function; what it hands over waits in the bus's line.

    ``input_of`` is called with the scheduled time and returns more fields of the target's input.
    """

    def __init__(
        self, name: str, every_s: float, function: Function, bus: Bus, input_of: Callable[[], dict[str, Any]]
    ) -> None:
        self.arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"
        self._every_s, self._function, self._bus, self._input_of = every_s, function, bus, input_of
        self._name = name
        self.dead: Callable[[], bool] = lambda: False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"schedule-{name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No more."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s - time.time() % self._every_s):
            if not self.dead():
                self.fire()

    def fire(self) -> None:
        """What happens when it is due."""
        execution_id, now_ns = str(uuid.uuid4()), time.time_ns()
        event = {
            "schedule-arn": self.arn,
            "scheduled-time": _stamp(now_ns),
            "execution-id": execution_id,
            "attempt-number": "1",
            **self._input_of(),
        }
        self._bus._meters.add("AWS/Scheduler", "InvocationAttemptCount", ScheduleGroup="default")
        cause = {"type": "schedule", "service": "scheduler", "id": execution_id}
        self._bus.wait(event, cause, [(self._name, self._function)], now_ns)


def envelope(event_id: str, entry: Entry, now_ns: int) -> dict[str, Any]:
    """Return the event as a target gets it."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ACCOUNT,
        "time": _stamp(now_ns),
        "region": REGION,
        "resources": entry.get("Resources", []),
        "detail": json.loads(entry["Detail"]),
    }


def _stamp(time_ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_ns / 1e9))
