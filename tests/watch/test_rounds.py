"""Finders that go by the clock rest while nothing comes, but for those that see silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from coldtrail.store.engine import Engine
from coldtrail.watch.rounds import Round, Rounds

NO_ENGINE = cast(Engine, None)


def test_each_looks_once_after_what_came_last_and_who_sees_silence_goes_on() -> None:
    looked: list[tuple[str, int]] = []

    def finder(name: str) -> Callable[[Engine, int], list[Any]]:
        def look(engine: Engine, now_ns: int) -> list[Any]:
            looked.append((name, now_ns // 10**9))
            return []

        return look

    rounds = Rounds((Round(finder("silence"), 20, silence=True), Round(finder("often"), 10), Round(finder("seldom"), 60)))
    for second in range(1000, 1200, 10):
        rounds.look(NO_ENGINE, second * 10**9, lambda name, error: None, news=second in (1000, 1030))
    assert [at for name, at in looked if name == "silence"] == list(range(1000, 1200, 20))
    assert [at for name, at in looked if name == "often"] == [1000, 1010, 1030, 1040], "once more, for what comes within its second"
    assert [at for name, at in looked if name == "seldom"] == [1000, 1060]
