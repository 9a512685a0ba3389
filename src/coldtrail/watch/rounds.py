"""What is looked for by the clock: things of which nothing arrives, or which only a longer time shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.troubles.messages import courses
from coldtrail.watch.finders.aging import LATE_S, growing_old
from coldtrail.watch.finders.cold_routes import cold_starts_in_front
from coldtrail.watch.finders.dead_letters import filling_up
from coldtrail.watch.finders.dropped import counted_drops, undelivered
from coldtrail.watch.finders.lost_context import SETTLED_NS, lost_context
from coldtrail.watch.finders.near_quotas import near_quotas
from coldtrail.watch.finders.near_timeouts import near_timeouts
from coldtrail.watch.finders.new_dependencies import new_dependencies
from coldtrail.watch.finders.settings_advice import advised_settings
from coldtrail.watch.finders.unusual import unusual_for_the_hour
from coldtrail.watch.finders.vanished import vanished_traffic

REACH_NS = 900 * 10**9
"""Courses of sources are looked at for so long."""

Clocked = Callable[[Engine, int], Iterable[Sighting]]
"""A finder that asks about the time until now, in Unix nanoseconds."""


class Round(Struct, frozen=True):
    """A finder and how often it looks. ``silence``: it sees what does not come, so it looks also while nothing does."""

    finder: Clocked
    every_s: int
    silence: bool = False


def sources(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """What the courses of queues, streams and buses tell; they are read once."""
    since_ns, until_ns = now_ns - REACH_NS, now_ns + 60 * 10**9
    told = courses(engine, since_ns, until_ns, now_ns - LATE_S * 10**9, now_ns - SETTLED_NS)
    for finder in (growing_old, undelivered, lost_context):
        yield from finder(told, now_ns)


def drops(engine: Engine, now_ns: int) -> Iterable[Sighting]:
    """What CloudWatch counted as lost in the last quarter of an hour."""
    until_ns = now_ns // (60 * 10**9) * 60 * 10**9 + 60 * 10**9
    return counted_drops(engine, until_ns - REACH_NS, until_ns)


def rounds_of(limits: Mapping[str, float]) -> tuple[Round, ...]:
    """Return all of them; ``limits``: the settings' own quotas."""
    return (
        Round(vanished_traffic, 10, silence=True),
        Round(sources, 10, silence=True),
        Round(new_dependencies, 20),
        Round(cold_starts_in_front, 20),
        Round(drops, 20),
        Round(filling_up, 20),
        Round(near_timeouts, 60),
        Round(near_quotas(limits), 120),
        Round(unusual_for_the_hour, 300, silence=True),
        Round(advised_settings, 300),
    )


class Rounds:
    """Remembers when each finder looked last."""

    def __init__(self, rounds: tuple[Round, ...]) -> None:
        self._rounds = rounds
        self._looked_s = [0] * len(rounds)
        self._news_s = 0

    def look(
        self, engine: Engine, now_ns: int, refused: Callable[[str, EngineError], None], *, news: bool
    ) -> list[Sighting]:
        """Let those look that are due, and return what they see; ``refused`` as in `watch.look`.

        ``news``: something came since the last time, or may have become visible. Each looks at least once after it.

        Raises:
            EngineError: a passing fault of the engine, such as being away.
        """
        found: list[Sighting] = []
        now_s = now_ns // 10**9
        self._news_s = now_s if news else self._news_s
        for place, one in enumerate(self._rounds):
            rests = not one.silence and self._looked_s[place] > self._news_s
            if rests or now_s - self._looked_s[place] < one.every_s:
                continue
            try:
                found += one.finder(engine, now_ns)
            except EngineError as error:
                if error.passing:
                    raise
                refused(getattr(one.finder, "__name__", "finder"), error)
            self._looked_s[place] = now_s
        return found
