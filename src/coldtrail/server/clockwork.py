"""What all clockworks have in common: a thread of the background that ends with what it has in hand."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Clockwork(ABC):
    """One thread. ``_run`` goes on until ``_stop`` is set; who sleeps until there is work waits for ``_woken``."""

    def __init__(self, name: str) -> None:
        self._woken = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with what whoever ran before has left."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in hand and stop; nothing, where it was never started."""
        self._stop.set()
        self._woken.set()
        if self._thread.ident is not None:
            self._thread.join()

    @abstractmethod
    def _run(self) -> None: ...
