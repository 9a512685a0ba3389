"""Memory that the embedded engine's allocator keeps for later goes back to the system where the process has much of it."""

from __future__ import annotations

import contextlib

from coldtrail.server.clockwork import Clockwork
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError

LOOK_S = 0.5


class Sparing(Clockwork):
    """Looks at what the process has in memory; of an engine that is a server it need not."""

    def __init__(self, engine: Engine) -> None:
        super().__init__("sparing")
        self._engine = engine

    def _run(self) -> None:
        while self._engine.embedded and not self._stop.wait(LOOK_S):
            # Where not even this has room any more, what runs will end.
            with contextlib.suppress(EngineError):
                self._engine.spare_memory()
