"""The workflows that are defined, as they stand now; one that cannot be read is told of and left out."""

from __future__ import annotations

import time

import structlog

from coldtrail.model.workflows import Workflow
from coldtrail.state.definitions import Definitions

log = structlog.get_logger(__name__)

LISTED_AGAIN_S = 60
"""Another process may have changed what is defined."""


class DefinedWorkflows:
    """Workflows by name, read anew when something was defined."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._known: tuple[tuple[int, int], dict[str, Workflow]] = ((-1, -1), {})

    def now(self) -> dict[str, Workflow]:
        """Return them."""
        version = (self._definitions.version, int(time.monotonic()) // LISTED_AGAIN_S)
        if self._known[0] != version:
            self._known = (version, self._read())
        return self._known[1]

    def _read(self) -> dict[str, Workflow]:
        found, broken = self._definitions.usable("workflow", Workflow)
        for name, reason in broken.items():
            log.warning("a workflow cannot be used", name=name, reason=reason)
        return found
