"""The clockwork of outcomes: trails are judged as they are assembled, and again when a deadline passes.

Three ways lead here: the background pass hands over what it assembled; traces that are a trail of their own, and the past
of a workflow that is new, are read a few at a time; and a heap of deadlines says when an outcome changes by time alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.model.outcomes import Outcome
from coldtrail.model.trails import Trail
from coldtrail.model.workflows import Workflow
from coldtrail.server.clockwork import Clockwork
from coldtrail.server.outcomes.deadlines import Deadlines
from coldtrail.server.outcomes.workflows import DefinedWorkflows
from coldtrail.server.reconstruction.reading import TrailReader, graph_of
from coldtrail.state.definitions import Definitions
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.outcomes.kept import forget_gone, read_outcomes, save_outcomes
from coldtrail.store.trails.origins import OriginLike, traces_alone_received, traces_alone_since, trails_since
from coldtrail.trails.assemble import Graph, select
from coldtrail.trails.workflows.fitting import Asked, said_in
from coldtrail.trails.workflows.outcomes import outcome, pass_deadlines

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
SHARE = 0.1
"""Of the time, at most, for what is read anew; deadlines are passed in any case."""

MOST_REST_S = 10.0
REACH_S = 15
"""What was received so shortly before the last look may have become visible after it."""

GRACE_NS = 2 * 10**9
"""What happened just before its deadline is visible within two seconds."""

MOST_DUE = 1_000
MOST_NEW = 1_000
"""Traces of their own that one look judges, the newest."""

FORGETS_S = 5
"""How often it is asked which trails became part of others."""

AT_ONCE = 50
PAST_NS = 24 * 3_600 * 10**9
MOST_PAST = 1_000
"""Trails of the past that a new workflow is judged by, of each kind."""


class Outcomes(Clockwork):
    """A thread, and `note` for whoever assembles trails."""

    def __init__(self, engine: Engine, definitions: Definitions, reader: TrailReader) -> None:
        super().__init__("outcomes", engine.courtesy)
        self._engine = engine
        self._reader = reader
        self._workflows = DefinedWorkflows(definitions)
        self._deadlines = Deadlines(engine)
        self._known = self._workflows.now()
        self._past: deque[tuple[str, str]] = deque()
        self._looked_s = int(time.time())
        self._forgot_s = self._looked_s
        self._writing = threading.Lock()
        self._loaded = threading.Event()

    def wake(self) -> None:
        """Say that something was loaded."""
        self._loaded.set()

    @property
    def workflows(self) -> dict[str, Workflow]:
        """The workflows that are defined."""
        return self._workflows.now()

    def of(self, trail: Trail, graph: Graph, now_ns: int) -> list[Outcome]:
        """Return what became of a trail at a moment, one for each of its workflows."""
        return _judged(self.workflows, trail, said_in(graph), now_ns)

    def note(self, trails: Iterable[Trail], graph: Graph) -> None:
        """Judge trails that were assembled, and keep what became of them.

        Raises:
            EngineError: the engine refused them.
        """
        if workflows := self.workflows:
            self._keep(trails, graph, workflows)

    def _keep(self, trails: Iterable[Trail], graph: Graph, workflows: dict[str, Workflow]) -> None:
        with self._writing:
            now_ns, said = time.time_ns(), said_in(graph)
            found = [one for trail in trails for one in _judged(workflows, trail, said, now_ns)]
            save_outcomes(self._engine, found, now_ns)
        self._deadlines.add(found)

    def turn(self, now_ns: int) -> None:
        """Pass deadlines, look at what came and at the past of what is new, once.

        Raises:
            EngineError: the store does not answer; all of it is done with the next turn.
        """
        self._pass_deadlines(now_ns)
        workflows = self.workflows
        if workflows is not self._known:
            fresh = [name for name, one in workflows.items() if self._known.get(name) != one]
            self._past.extend(self._past_of(fresh, workflows, now_ns))
            self._known = workflows
        if workflows and self._loaded.is_set():
            self._look(workflows)
        self._judge_past(workflows)

    def _pass_deadlines(self, now_ns: int) -> None:
        due = self._deadlines.due(now_ns - GRACE_NS, MOST_DUE)
        if not due:
            return
        try:
            with self._writing:
                workflows = self.workflows
                kept = [one for one in read_outcomes(self._engine, due) if one.workflow in workflows]
                passed = [pass_deadlines(one, now_ns) for one in kept if one.deadline_ns]
                save_outcomes(self._engine, passed, time.time_ns())
        except EngineError:
            self._deadlines.put(due)
            raise
        self._deadlines.add(passed)

    def _look(self, workflows: dict[str, Workflow]) -> None:
        """Judge traces that are a trail of their own; forget trails that became part of others."""
        self._loaded.clear()
        began_s, since_s = int(time.time()), self._looked_s - REACH_S
        try:
            origins = [OriginLike(one.origin.service, one.origin.name) for one in workflows.values()]
            found = traces_alone_received(self._engine, origins, since_s, MOST_NEW)
            for first in range(0, len(found), AT_ONCE):
                if not self._stop.is_set():
                    self._judge_traces(found[first : first + AT_ONCE], workflows)
            if began_s - self._forgot_s >= FORGETS_S:
                forget_gone(self._engine, self._forgot_s - REACH_S, time.time_ns())
                self._forgot_s = began_s
        except EngineError:
            self._loaded.set()
            raise
        self._looked_s = began_s

    def _judge_traces(self, trace_ids: list[str], workflows: dict[str, Workflow]) -> None:
        graph = graph_of(self._reader.gather(set(trace_ids), set()))
        trails = [trail for one in trace_ids if (trail := select(graph, one, told=False))]
        self._keep([trail for trail in trails if trail.trail_id in trace_ids], graph, workflows)

    def _past_of(self, names: list[str], workflows: dict[str, Workflow], now_ns: int) -> Iterable[tuple[str, str]]:
        for name in names:
            origin = workflows[name].origin
            like = [OriginLike(origin.service, origin.name)]
            for trail_id in trails_since(self._engine, like, now_ns - PAST_NS, MOST_PAST):
                yield name, trail_id
            for trace_id in traces_alone_since(self._engine, like, now_ns - PAST_NS, MOST_PAST):
                yield name, trace_id

    def _judge_past(self, workflows: dict[str, Workflow]) -> None:
        """Judge a few more trails of the past by the workflow that is new."""
        if not self._past:
            return
        name = self._past[0][0]
        some: list[str] = []
        while self._past and self._past[0][0] == name and len(some) < AT_ONCE:
            some.append(self._past.popleft()[1])
        if name not in workflows:
            return
        only = {name: workflows[name]}
        self._judge_traces([one for one in some if is_trace_id(one)], only)
        for one in some:
            if not is_trace_id(one) and (read := self._reader.trail(one)):
                self._keep([read[0]], read[1], only)

    def _run(self) -> None:
        took_s = 0.0
        while not self._stop.wait(self._rest_s(took_s)):
            began_s = time.thread_time()
            try:
                self.turn(time.time_ns())
            except (EngineError, SQLAlchemyError) as error:
                if not getattr(error, "passing", False):  # the loader tells of those
                    log.warning("outcomes will be looked at again", reason=str(error)[:300])
            except Exception:
                log.exception("outcomes could not be looked at")
            took_s = time.thread_time() - began_s

    def _rest_s(self, took_s: float) -> float:
        return min(MOST_REST_S, max(PERIOD_S, took_s / SHARE))


def _judged(workflows: dict[str, Workflow], trail: Trail, said: Asked, now_ns: int) -> list[Outcome]:
    found = (outcome(name, one, trail, said, now_ns) for name, one in workflows.items())
    return [one for one in found if one]
