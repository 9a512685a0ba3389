"""Sends what was decided: at least once, in order for each alert and route, again after a while where nobody took it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coldtrail.model.definitions import BadDefinition, read_spec
from coldtrail.model.routes import Route
from coldtrail.server.clockwork import Clockwork
from coldtrail.state.alerting import AlertBook, Message
from coldtrail.state.definitions import Definitions
from coldtrail.watch.ways_out import NotSent, Outside, send

log = structlog.get_logger(__name__)

PERIOD_S = 2.0
MOST_TRIES = 12
FIRST_WAIT_S = 2.0
MOST_WAIT_S = 300.0
SENDERS = 4


def wait_s(tries: int, chance: float) -> float:
    """Return how long to wait after so many tries; ``chance`` (0..1) keeps many senders from coming at one time."""
    longest = min(FIRST_WAIT_S * 2.0 ** max(0, tries - 1), MOST_WAIT_S)
    return longest * (0.5 + chance / 2)


class Telling(Clockwork):
    """A thread that sends messages while ``leads`` says that this process is the one to do it."""

    def __init__(self, book: AlertBook, definitions: Definitions, outside: Outside, leads: Callable[[], bool]) -> None:
        super().__init__("telling")
        self._book = book
        self._definitions = definitions
        self._outside = outside
        self._leads = leads
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="telling")

    def wake(self) -> None:
        """Say that there is something to send."""
        self._woken.set()

    def stop(self) -> None:
        """Finish what is being sent and stop."""
        super().stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def send_due(self, now_ns: int) -> int:
        """Try each message that is due once; return how many there were."""
        due = self._book.due(now_ns)
        list(self._pool.map(self._try, due))
        return len(due)

    def _try(self, message: Message) -> None:
        if self._stop.is_set():
            return
        try:
            send(self._route(message.route).to, message.message, self._outside)
        except NotSent as error:
            self._not_sent(message, error)
            return
        except Exception as error:  # noqa: BLE001 - one message that cannot be written must not hold up the others
            self._not_sent(message, NotSent(f"it could not be written: {type(error).__name__}"))
            return
        self._book.tried(message.id, "sent", time.time_ns())

    def _not_sent(self, message: Message, error: NotSent) -> None:
        tries, now_ns = message.tries + 1, time.time_ns()
        dead = tries >= MOST_TRIES
        after_s = wait_s(tries, random.random()) if error.retry_after_s is None else error.retry_after_s
        self._book.tried(message.id, "dead" if dead else "waiting", now_ns, now_ns + int(after_s * 1e9), str(error))
        log.warning("an alert was not told", route=message.route, reason=str(error), tries=tries, given_up=dead)

    def _route(self, name: str) -> Route:
        known = self._definitions.get("route", name)
        if known is None:
            raise NotSent(f'there is no route "{name}" any more')
        try:
            route = read_spec("route", known.spec)
        except BadDefinition as error:
            raise NotSent(f'the route "{name}" cannot be read: {error}') from None
        assert isinstance(route, Route)
        return route

    def _run(self) -> None:
        while not self._stop.is_set():
            self._woken.wait(PERIOD_S)
            self._woken.clear()
            if self._stop.is_set() or not self._leads():
                continue
            try:
                self.send_due(time.time_ns())
            except SQLAlchemyError as error:
                log.warning("alerts will be told again", reason=str(error)[:300])
