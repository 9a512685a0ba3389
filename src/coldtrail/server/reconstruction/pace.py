"""How fast the background pass may go: as it likes while nothing else runs, and with a share of its own where ingest is busy."""

from __future__ import annotations

import threading
import time

PERIOD_S = 2.0
"""At most one pass in this time: signals of one trail come within a second or two of each other, and are read once."""

SHARE = 0.2
"""CPU of the pass for each CPU second of all else, while that takes in; what is left then waits until it does not."""

MOST_SAVED_S, MOST_OWED_S = 0.7, 2.0
"""What is not used of a share is kept, and what is used beyond it is owed, up to so many CPU seconds; one pass uses no more."""

TURN_S = 1.0
"""How long a batch of what is older may take before the next is smaller, and before the newest are looked at, in seconds."""


class Pace:
    """Of one thread, which tells when a pass begins and ends.

    The newest are looked at in every period, less often where it falls behind, since few cost as many queries as many. What is
    older has what is left of the share. Counted in CPU time: a machine that is busy with other programs is no reason to do more.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._saved_s = 0.0
        self._loading = False
        self._began_s = 0.0
        self._own_s, self._all_s = 0.0, time.process_time()

    def begin(self, *, loading: bool) -> None:
        """A pass begins; ``loading``: more was loaded since the last one."""
        own_s, all_s = time.thread_time(), time.process_time()
        used_s, others_s = own_s - self._own_s, all_s - self._all_s - (own_s - self._own_s)
        saved_s = self._saved_s + SHARE * others_s - used_s
        self._loading = loading
        self._saved_s = min(MOST_SAVED_S, max(-MOST_OWED_S, saved_s)) if loading else MOST_SAVED_S
        self._began_s, self._own_s, self._all_s = time.monotonic(), own_s, all_s

    @property
    def owes(self) -> bool:
        """Whether more comes and the share is used up."""
        return self._loading and self._saved_s < time.thread_time() - self._own_s

    def may_go_on(self, *, more_came: bool) -> bool:
        """Whether the pass may look at more than the newest; if ``more_came`` only for a turn."""
        used_s, took_s = time.thread_time() - self._own_s, time.monotonic() - self._began_s
        return used_s < self._saved_s and (took_s < TURN_S or not more_came)

    def rest(self, *, behind: bool, backlog: bool) -> None:
        """Wait for the rest of a period; of a longer one where the pass is ``behind`` while more comes, of a still longer one where
        it owes CPU time as well, and of the longest where a ``backlog`` waits, of which the newest are few.
        """
        longer = 1.0
        if behind and self._loading:
            longer = 3.0 if backlog else 2.0 if self.owes else 1.5
        self._stop.wait(max(0.0, self._began_s + longer * PERIOD_S - time.monotonic()))


def fewer_or_more(units: int, took_s: float, least: int, most: int) -> int:
    """Return how many units the next batch may have, if ``units`` took so long."""
    return max(least, min(most, int(units * TURN_S / max(took_s, 0.01))))
