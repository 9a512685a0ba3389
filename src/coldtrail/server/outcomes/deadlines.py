"""Deadlines of open trails: a bounded heap of the next ones, and the store for those beyond its horizon."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable

from coldtrail.model.outcomes import Outcome
from coldtrail.store.engine import Engine
from coldtrail.store.outcomes.kept import Open, open_outcomes

MOST_OPEN = 50_000
"""Of about 300 bytes each."""

NEVER_NS = 2**62


class Deadlines:
    """What is due when. What was due once and is not any more is found out by whoever reads it."""

    def __init__(self, engine: Engine, most: int = MOST_OPEN) -> None:
        self._engine = engine
        self._most = most
        self._heap: list[Open] = []
        self._held: set[Open] = set()
        self._horizon_ns = 0
        """All deadlines up to here are held, later ones are left to the store; at the start all are."""
        self._lock = threading.Lock()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Take in those of kept outcomes that change by time alone."""
        self.put(Open(one.deadline_ns, one.workflow, one.trail_id) for one in outcomes if one.deadline_ns)

    def put(self, due: Iterable[Open]) -> None:
        """Take in deadlines up to the horizon; where there is no room, the later half is left to the store."""
        with self._lock:
            for one in due:
                if one.deadline_ns <= self._horizon_ns and one not in self._held:
                    heapq.heappush(self._heap, one)
                    self._held.add(one)
                    if len(self._heap) > self._most:
                        self._keep_half()

    def _keep_half(self) -> None:
        self._heap = heapq.nsmallest(max(1, self._most // 2), self._heap)
        self._held = set(self._heap)
        self._horizon_ns = self._heap[-1].deadline_ns

    def due(self, until_ns: int, most: int) -> list[Open]:
        """Take out those that are due at a time, the earliest first.

        Raises:
            EngineError: the store does not answer; nothing was taken out.
        """
        if not self._heap and self._horizon_ns < NEVER_NS:
            self._recall()
        found: list[Open] = []
        with self._lock:
            while self._heap and self._heap[0].deadline_ns <= until_ns and len(found) < most:
                one = heapq.heappop(self._heap)
                self._held.discard(one)
                found.append(one)
        return found

    def _recall(self) -> None:
        before_ns, self._horizon_ns = self._horizon_ns, NEVER_NS
        try:
            # One more than there is room for, so that what is beyond is known to be.
            self.put(open_outcomes(self._engine, self._most + 1))
        except Exception:
            self._horizon_ns = before_ns
            raise
