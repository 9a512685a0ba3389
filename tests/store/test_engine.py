"""The engine as the rest of the house asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import stores
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError

pytestmark = pytest.mark.both_stores

FAILS_HALF_WAY = "SELECT number, throwIf(number = 150000) FROM numbers(200000)"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(stores.dsn(tmp_path))
    made.prepare()
    yield made
    made.close()


def test_nothing_of_a_query_that_failed_half_way_gets_into_the_next_answer(engine: Engine) -> None:
    with pytest.raises(EngineError) as raised:
        engine.rows(FAILS_HALF_WAY, settings={"max_block_size": 1000, "max_threads": 1})
    assert raised.value.code == 395
    assert engine.rows("SELECT 1") == [(1,)]
    with pytest.raises(EngineError):
        engine.command("SELECT throwIf(1)")
    assert engine.rows("SELECT 'next'") == [("next",)]


def test_a_thread_that_fails_does_not_disturb_the_others(engine: Engine) -> None:
    wrong: list[object] = []

    def ask(number: int) -> None:
        for _ in range(20):
            if number % 2:
                with pytest.raises(EngineError):
                    engine.rows(FAILS_HALF_WAY, settings={"max_block_size": 1000, "max_threads": 1})
            if (found := engine.rows("SELECT {n:UInt8}", {"n": number})) != [(number,)]:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_parameters_are_values_and_never_statements(engine: Engine) -> None:
    nasty = "'; DROP TABLE spans; -- \\ \" \n\t {x:String} ü \x00"
    assert engine.rows("SELECT {x:String}, {many:Array(String)}", {"x": nasty, "many": [nasty, "b"] * 2000}) == [(nasty, [nasty, "b"] * 2000)]
