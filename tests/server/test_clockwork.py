"""What runs in the background goes on after a fault of its own."""

from __future__ import annotations

import threading

import pytest
import structlog

from coldtrail.server.clockwork import Clockwork
from coldtrail.server.plain_log import log_plainly
from running import SLOW_S


class Failing(Clockwork):
    """Fails so many times, then waits for its end."""

    again_s = 0.01

    def __init__(self, failures: int) -> None:
        super().__init__("failing")
        self.left = failures
        self.works = threading.Event()

    def _run(self) -> None:
        if self.left:
            self.left -= 1
            raise RuntimeError("unforeseen")
        self.works.set()
        self._stop.wait()


def test_a_clockwork_that_fails_begins_again_and_can_be_stopped_meanwhile() -> None:
    mended, never = Failing(3), Failing(10**9)
    for one in (mended, never):
        one.start()
    assert mended.works.wait(SLOW_S)
    mended.stop()
    never.again_s = 10**6
    never.stop()
    assert (mended.left, never.works.is_set()) == (0, False)


def test_the_log_says_how_a_fault_came_and_not_what_variables_held(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        log_plainly()
        password = "hush-" * 2
        try:
            raise RuntimeError("unforeseen")
        except RuntimeError:
            structlog.get_logger().exception("it failed", part="test")
    finally:
        structlog.configure(**before)
    said = capsys.readouterr().out
    assert ("it failed" in said, "RuntimeError: unforeseen" in said, password in said) == (True, True, False)
