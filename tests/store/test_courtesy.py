"""Who works in the background lets those go first who wait for an answer, but not for ever."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

import stores
from coldtrail.store import courtesy
from coldtrail.store.courtesy import Courtesy
from coldtrail.store.engine import Engine


def test_a_question_of_the_background_waits_until_the_answer_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courtesy, "MOST_S", 600.0)
    engine = Engine(stores.dsn(tmp_path))
    engine.prepare()
    asked = threading.Event()

    def work() -> None:
        engine.courtesy.in_background(0.5)
        engine.rows("SELECT 1")
        asked.set()

    with engine.courtesy.answering():
        thread = threading.Thread(target=work)
        thread.start()
        assert engine.rows("SELECT 2") == [(2,)], "who answers does not wait"
        assert not asked.wait(0.3)
    assert asked.wait(10)
    thread.join()
    engine.close()


def test_the_background_goes_on_however_much_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courtesy, "MOST_S", 0.2)
    manners = Courtesy()
    manners.in_background(0.5)
    with manners.answering():
        began_s = time.monotonic()
        for _ in range(50):
            manners.give_way()
        assert 0.1 <= time.monotonic() - began_s < 5, "50 questions wait no longer than their credit together"


def test_nobody_is_held_up_who_is_not_in_the_background() -> None:
    manners = Courtesy()
    with manners.answering():
        began_s = time.monotonic()
        manners.give_way()
        assert time.monotonic() - began_s < courtesy.MOST_S / 2
