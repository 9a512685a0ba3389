"""How fast the background pass may go: in the time that ingest leaves over, and with a share of its own where it leaves none."""

from __future__ import annotations

import threading
import time

PERIOD_S = 1.5
"""At most one pass in this time: signals of one trail come within a second or two of each other, and are read once."""

REST = 3.0
"""While others are busy a pass rests so many times as long as it worked."""

MOST_REST_S = 3.0
LOOK_S = 0.25
BUSY = 0.3
"""CPU seconds a second of the rest of the process from which on it is busy."""


class Pace:
    """Of one thread. What others do meanwhile is told by the CPU time of the process."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def rest(self, worked_s: float) -> None:
        """Wait after a pass that took ``worked_s``: a period, and longer while others are busy."""
        began = time.monotonic()
        self._stop.wait(max(0.0, PERIOD_S - worked_s))
        until = began + min(MOST_REST_S, REST * worked_s)
        while time.monotonic() < until and not self._stop.is_set():
            cpu_s, at_s = time.process_time(), time.monotonic()
            self._stop.wait(LOOK_S)
            if time.process_time() - cpu_s < BUSY * (time.monotonic() - at_s):
                return
