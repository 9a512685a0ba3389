"""How fast the background pass may go: as it likes while nothing else runs, and with a share of its own where ingest is busy."""

from __future__ import annotations

import threading
import time

PERIOD_S = 2.0
"""At most one pass in this time: signals of one trail come within a second or two of each other, and are read once."""

SHARE = 0.2
"""CPU of the pass for each CPU second of all else, while that takes in; what is left then waits until it does not."""

MOST_REST_S = 3.0
LOOK_S = 0.25


class Pace:
    """Of one thread, which tells when a pass begins and ends. ``loaded``: more came since it began.

    Counted in CPU time: a machine that is busy with other programs is no reason to do more.
    """

    def __init__(self, stop: threading.Event, loaded: threading.Event) -> None:
        self._stop, self._loaded = stop, loaded
        self.begin()

    def begin(self) -> None:
        """A pass begins."""
        self._at_s, self._own_s, self._all_s = time.monotonic(), time.thread_time(), time.process_time()

    def rest(self) -> None:
        """Wait after a pass: for the rest of a period, and where more was loaded until all else used so much more."""
        own_s, ended_s = time.thread_time() - self._own_s, time.monotonic()
        self._stop.wait(max(0.0, self._at_s + PERIOD_S - ended_s))
        while self._loaded.is_set() and time.monotonic() < ended_s + MOST_REST_S:
            others_s = time.process_time() - self._all_s - own_s
            if own_s <= SHARE * others_s or self._stop.wait(LOOK_S):
                return
