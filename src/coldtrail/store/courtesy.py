"""Who asks the store in the background lets those go first who wait for an answer.

Two cores have no room for both: beside a backlog that is reconstructed a page takes three times as long. So a thread of the
background waits before each of its questions while answers are in the making, and a moment after the last; all in all for no
more than a share of the time, so that what is listed and noticed goes on however much is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

AFTER_S = 0.15
"""A page asks again so soon after an answer."""

MOST_S = 3.0
"""What a thread may save up of waiting, times its share; a page needs no longer. Who may wait little never waits long."""

LOOK_S = 0.01


class _Manners(Struct):
    """Of one thread: the share of the time that it may wait, and what it has not used of it."""

    share: float
    credit_s: float
    asked_s: float


class Courtesy:
    """Of one engine. Threads that never said that they work in the background are never held up."""

    def __init__(self) -> None:
        self._answering = 0
        self._answered_s = float("-inf")
        self._lock = threading.Lock()
        self._local = threading.local()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Say that somebody waits for an answer, until it is given."""
        with self._lock:
            self._answering += 1
        try:
            yield
        finally:
            with self._lock:
                self._answering -= 1
                self._answered_s = time.monotonic()

    def in_background(self, share: float) -> None:
        """Have the calling thread give way from now on, for at most this share (0 to 1) of the time."""
        manners: _Manners | None = getattr(self._local, "manners", None)
        if manners:
            manners.share = share
        else:
            self._local.manners = _Manners(share, MOST_S * share, time.monotonic())

    def give_way(self) -> None:
        """Wait, if the calling thread works in the background, until nobody else waits or its share is used up."""
        manners: _Manners | None = getattr(self._local, "manners", None)
        if manners is None:
            return
        began_s = time.monotonic()
        saved_s = manners.credit_s + manners.share * (began_s - manners.asked_s)
        manners.credit_s = min(MOST_S * manners.share, saved_s)
        manners.asked_s = began_s
        while self._somebody_waits() and time.monotonic() - began_s < manners.credit_s:
            time.sleep(LOOK_S)
        manners.credit_s -= time.monotonic() - began_s

    def _somebody_waits(self) -> bool:
        return self._answering > 0 or time.monotonic() - self._answered_s < AFTER_S
