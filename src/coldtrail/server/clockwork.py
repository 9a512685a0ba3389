"""What all clockworks have in common: a thread of the background that ends with what it has in hand."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

import structlog

from coldtrail.store.courtesy import Courtesy

log = structlog.get_logger(__name__)

AGAIN_S, MOST_AGAIN_S = 2.0, 300.0


class Clockwork(ABC):
    """One thread. ``_run`` goes on until ``_stop`` is set; who sleeps until there is work waits for ``_woken``.

    What fails unforeseen begins again after ``again_s``, each time twice as late. While answers are in the making it waits, for
    at most the share ``gives_way`` of the time; without ``courtesy`` it does not.
    """

    again_s = AGAIN_S
    gives_way = 0.1

    def __init__(self, name: str, courtesy: Courtesy | None = None) -> None:
        self._courtesy = courtesy
        self._woken = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._last, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with what whoever ran before has left."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand and stop; nothing, where it was never started."""
        self._stop.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _last(self) -> None:
        wait_s = self.again_s
        if self._courtesy:
            self._courtesy.in_background(self.gives_way)
        while not self._stop.is_set():
            try:
                self._run()
                return
            except Exception:  # the outermost edge: one fault must not end for good what nobody would miss at once
                log.exception("a part of the background failed and begins again", part=self._thread.name)
                self._stop.wait(wait_s)
                wait_s = min(2 * wait_s, MOST_AGAIN_S)

    @abstractmethod
    def _run(self) -> None: ...
