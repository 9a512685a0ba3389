"""Which files one worker runs one after another, and which begin first.

Files of a group share what is dear to make: a server that was told a story, the double of ClickHouse. It is made once instead
of once in every worker, and ends with the group: a server that nobody asks any more still follows its clocks. What takes
longest begins first, and what takes least comes last, so that no worker is left alone with the rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")

GROUPS = {
    "durability": ("durability/test_durability.py",),
    "story": tuple(
        f"web/test_{name}.py"
        for name in ("page", "story_one", "map_screen", "trail_views", "ways", "story_two", "resources_api")
    ),
    "alerts": ("server/test_alerts.py",),
    "objectives": ("server/test_objectives.py",),
    "investigations": ("web/test_investigations_page.py",),
    "away": ("durability/test_server_away.py",),
    "clickhouse": tuple(
        f"server/test_{name}.py"
        for name in ("api", "failed_steps", "jaeger", "known_from_little", "otlp_fields", "without_context")
    ),
    "store": ("store/",),
    "watch": ("web/test_watch.py",),
    "watched": ("watched/",),
    "empty": ("web/test_event_sources_page.py", "web/test_money_page.py"),
}
"""By what their files have in common; the longest first, as they took on two cores."""

LAST = ("analysis/", "docs/", "receivers/", "services/", "state/", "trails/", "watch/")
"""Mostly without a server."""


def group(nodeid: str) -> str:
    """Return the group of a test; a file that shares nothing is a group of its own."""
    file = nodeid.partition("::")[0]
    path = file.removeprefix("tests/")
    return next((name for name, parts in GROUPS.items() if path.startswith(parts)), file)


def place(nodeid: str) -> int:
    """Return when the group of a test begins."""
    name = group(nodeid)
    if name in GROUPS:
        return list(GROUPS).index(name)
    return len(GROUPS) + name.removeprefix("tests/").startswith(LAST)


class Lasting:
    """What was made for a group, by name, until the group ends."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._open = contextlib.ExitStack()

    def get(self, name: str, make: Callable[[], contextlib.AbstractContextManager[Made]]) -> Made:
        """Return what has that name, made if nobody asked for it yet."""
        if name not in self._made:
            self._made[name] = self._open.enter_context(make())
        return self._made[name]

    def end(self) -> None:
        self._made.clear()
        self._open.close()


LASTING = Lasting()
