"""Alerts as they are kept: decided and to be told in one transaction, by one process, whatever is killed when."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from coldtrail.model.alerting import AlertState, Event, Notification, Observation
from coldtrail.model.definitions import Definition
from coldtrail.model.findings import Change, Finding
from coldtrail.server.alerts.clockwork import Alerting
from coldtrail.server.alerts.looks import Looks
from coldtrail.server.alerts.telling import Telling
from coldtrail.state import open_database
from coldtrail.state.alerting import AlertBook, Stale, Turn
from coldtrail.state.definitions import Definitions
from coldtrail.state.findings import Findings
from coldtrail.state.leases import NotLeader
from coldtrail.watch.ways_out import Outside
from receiver import Receiver, Told, receiving

S = 10**9
NOW = 1_795_210_200 * S
KILLS = 20
SOON_S = 180


class Host:
    """One process of those that may lead: what `coldtrail up` has of alerts, without listeners and store."""

    def __init__(self, url: str, holder: str) -> None:
        database = open_database(url)
        self.findings, self.definitions, self.book = Findings(database), Definitions(database), AlertBook(database)
        outside = Outside([ip_network("127.0.0.0/8")], timeout_s=5)
        for name in ("workflow-outcomes", "budget-burns"):
            if not self.definitions.get("alert", name):
                self.definitions.put(Definition("alert", name, {"check": {"type": "finding"}, "enabled": False}, "ada", "test", NOW))
        self.alerting = Alerting(self.book, self.definitions, self._looks, holder, lambda: "http://coldtrail.example", outside, period_s=0.05)
        self.telling = Telling(self.book, self.definitions, outside, lambda: self.alerting.leads)

    def _looks(self, at_ns: Any, reach_ns: int) -> Looks:
        return Looks(None, self.findings, at_ns, reach_ns)  # type: ignore[arg-type]  # findings need no store

    def find(self, name: str) -> None:
        now_ns = time.time_ns()
        one = Finding(name, "error", name, "", f"{name} fails", "high", "", {}, [], "", 1, now_ns, now_ns)
        self.findings.save([one], {}, [(name, Change(now_ns, "opened"))])

    def route(self, url: str, **more: Any) -> None:
        spec = {"to": {"type": "webhook", "url": url}, "default": True, **more}
        self.definitions.put(Definition("route", "hook", spec, "ada", "test", NOW))


def decide_and_die(url: str, before: bool) -> None:
    """Decide as a leader does; be killed before anything is sent, or (by who is told) before it is marked as sent."""
    host = Host(url, "one")
    assert host.alerting.decide(time.time_ns()) == 1
    if before:
        os.kill(os.getpid(), signal.SIGKILL)
    host.telling.send_due(time.time_ns())
    raise AssertionError("who was told did not kill us")


def run_for_a_while(url: str, holder: str, started: Any, over: Any) -> None:
    host = Host(url, holder)
    host.alerting.start()
    host.telling.start()
    started.set()
    over.wait(SOON_S)
    host.telling.stop()
    host.alerting.stop()


@pytest.fixture(scope="module")
def processes() -> Any:
    """Real processes that begin as copies of one which has imported everything, so that twenty of them take seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["coldtrail.server.alerts.clockwork", "coldtrail.server.alerts.telling", "sqlalchemy.dialects.sqlite", "pytest", "_pytest.config"])
    return context


def eventually(good: Any) -> None:
    deadline = time.monotonic() + SOON_S
    while not good():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def test_killed_between_decision_and_sending_twenty_times_nothing_is_lost_and_keys_stay(tmp_path: Path, processes: Any) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    host = Host(url, "one")
    with receiving() as receiver:
        host.route(receiver.url)
        victims: list[Any] = []

        def kill_who_tells(_: Told) -> tuple[int, dict[str, str]]:
            if victims:
                os.kill(victims.pop().pid, signal.SIGKILL)
            return 200, {}

        receiver.answer = kill_who_tells
        for number in range(KILLS):
            host.find(f"{number:016x}")
            before = number % 2 == 0
            child = processes.Process(target=decide_and_die, args=(url, before))
            if not before:
                victims.append(child)
            child.start()
            child.join(SOON_S)
            assert child.exitcode == -signal.SIGKILL
            assert not victims
            waiting = host.book.messages(status="waiting")
            assert len(waiting) == 1, "what was decided is there, and not marked as sent"
            if number % 4 < 2:
                told = Counter(one.body["id"] for one in receiver.told)
                assert told[waiting[0].message.id] == (0 if before else 1)
            assert host.alerting.decide(time.time_ns()) == 0, "what was decided is not decided again"
            host.telling.send_due(time.time_ns())
            assert host.book.messages(status="waiting") == []
        by_message = Counter((one.body["id"], one.body["dedup_key"]) for one in receiver.told)
    assert len(by_message) == KILLS
    assert len({key for _, key in by_message}) == KILLS
    assert sorted(by_message.values()) == [1] * (KILLS // 2) + [2] * (KILLS // 2)


def test_a_second_process_tells_nothing_twice_and_takes_over(tmp_path: Path, processes: Any) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    host = Host(url, "nobody")
    with receiving() as receiver:
        host.route(receiver.url)
        over = [processes.Event() for _ in range(2)]
        started = [processes.Event() for _ in range(2)]
        pair = [processes.Process(target=run_for_a_while, args=(url, f"number {at}", started[at], over[at])) for at in range(2)]
        for child in pair:
            child.start()
        assert all(one.wait(SOON_S) for one in started)
        for number in range(10):
            host.find(f"{number:016x}")
        eventually(lambda: len(receiver.told) >= 10 and not host.book.messages(status="waiting"))
        assert Counter(one.body["event"] for one in receiver.told) == {"fired": 10}
        assert len({one.body["id"] for one in receiver.told}) == 10
        over[0].set()
        pair[0].join(SOON_S)
        host.find(f"{99:016x}")
        eventually(lambda: len(receiver.told) >= 11 and not host.book.messages(status="waiting"))
        over[1].set()
        pair[1].join(SOON_S)
        assert [child.exitcode for child in pair] == [0, 0]
        assert len(receiver.told) == 11


def note(id_: str, key: str = "k") -> Notification:
    return Notification(id_, key, "fired", "a", "", "A", "high", "why", NOW, NOW, "http://x/")


def test_who_lost_the_lease_or_read_an_older_state_keeps_nothing(tmp_path: Path) -> None:
    book = AlertBook(open_database(f"sqlite:///{tmp_path / 'state.db'}"))
    assert book.lead("one", NOW, NOW + S)
    assert not book.lead("two", NOW, NOW + S)
    turn = Turn("a", "", 0, AlertState(phase="firing"), (Event("fired", NOW, Observation(True, False, 1.0, "1")),), (("hook", note("1")),))
    with pytest.raises(NotLeader):
        book.save([turn], NOW, "two")
    with pytest.raises(NotLeader):
        book.save([turn], NOW + 2 * S, "one")
    assert (book.states(), book.events("a"), book.messages()) == ({}, [], [])
    book.save([turn], NOW, "one")
    with pytest.raises(Stale):
        book.save([turn], NOW, "one")
    assert book.lead("two", NOW + 2 * S, NOW + 3 * S)
    later = Turn("a", "", 1, AlertState(phase="recovered"), (), (("hook", note("2")),))
    with pytest.raises(NotLeader):
        book.save([later], NOW + 2 * S, "one")
    assert [one.message.id for one in book.messages()] == ["1"]
    book.give_way("two")
    assert book.lead("one", NOW + 2 * S, NOW + 3 * S)


def test_of_one_alert_and_route_the_next_message_waits_for_the_one_before(tmp_path: Path) -> None:
    book = AlertBook(open_database(f"sqlite:///{tmp_path / 'state.db'}"))
    for number, (route, key) in enumerate([("hook", "k"), ("hook", "k"), ("mail", "k"), ("hook", "other")]):
        book.post("a", route, note(str(number), key), NOW)
    assert [one.message.id for one in book.due(NOW)] == ["0", "2", "3"]
    book.tried(1, "waiting", NOW, NOW + 10 * S, "500")
    assert [one.message.id for one in book.due(NOW)] == ["2", "3"]
    book.tried(1, "dead", NOW, 0, "500")
    assert [one.message.id for one in book.due(NOW)] == ["1", "2", "3"]
    book.tried(2, "sent", NOW)
    assert book.one_message(2).sent_ns == NOW  # type: ignore[union-attr]
    book.forget(NOW + S)
    assert {one.status for one in book.messages()} == {"waiting"}


def test_nobody_is_told_again_before_the_receiver_said(tmp_path: Path) -> None:
    host = Host(f"sqlite:///{tmp_path / 'state.db'}", "one")
    with receiving() as receiver:
        host.route(receiver.url)
        answers: list[tuple[int, dict[str, str]]] = [(503, {"Retry-After": "40"}), (500, {}), (200, {})]
        receiver.answer = lambda told: answers.pop(0)
        host.find("00000000000000aa")
        assert host.alerting.decide(time.time_ns()) == 1
        for tries, least_s, most_s, reason in ((1, 39, 41, "503"), (2, 1, 4.1, "500")):
            before_ns = time.time_ns()
            host.telling.send_due(NOW * 2)
            (one,) = host.book.messages()
            assert (one.status, one.tries, reason in one.error) == ("waiting", tries, True)
            assert least_s - 1 < (one.next_ns - before_ns) / S < most_s + 30
        host.telling.send_due(NOW * 2)
        assert host.book.messages()[0].status == "sent"
        assert len({told.headers["idempotency-key"] for told in receiver.told}) == 1
        assert len(receiver.told) == 3


def test_what_nobody_takes_is_given_up_and_shown(tmp_path: Path) -> None:
    host = Host(f"sqlite:///{tmp_path / 'state.db'}", "one")
    with receiving() as receiver:
        host.route(receiver.url)
        receiver.answer = lambda told: (404, {})
        host.find("00000000000000aa")
        host.alerting.decide(time.time_ns())
        for _ in range(20):
            host.telling.send_due(NOW * 2)
    (one,) = host.book.messages()
    assert (one.status, one.tries, one.error) == ("dead", 12, "127.0.0.1 answered 404")


def test_what_is_removed_while_it_fires_is_closed_where_it_was_opened(tmp_path: Path) -> None:
    host = Host(f"sqlite:///{tmp_path / 'state.db'}", "one")
    with receiving() as receiver:
        host.route(receiver.url)
        spec = {"check": {"type": "finding"}, "title": "Anything severe"}
        host.definitions.put(Definition("alert", "severe", spec, "ada", "test", NOW))
        host.definitions.put(Definition("alert", "new-finding", {**spec, "enabled": False}, "ada", "test", NOW))
        host.find("00000000000000aa")
        host.alerting.decide(time.time_ns())
        host.definitions.remove("alert", "severe")
        for _ in range(3):
            host.alerting.decide(time.time_ns())
            host.telling.send_due(time.time_ns())
        assert told_of(receiver) == [("severe", "fired"), ("severe", "recovered")]
    assert host.book.states() == {}


def test_a_route_may_want_to_hear_of_troubles_only(tmp_path: Path) -> None:
    host = Host(f"sqlite:///{tmp_path / 'state.db'}", "one")
    with receiving() as receiver:
        host.route(receiver.url, recovered=False)
        host.find("00000000000000aa")
        host.alerting.decide(time.time_ns())
        after_ns = time.time_ns() + 2 * 3_600 * S
        assert host.alerting.decide(after_ns) == 0
        assert [event.what for _, event in host.book.events("new-finding")] == ["recovered", "fired"]
        host.telling.send_due(after_ns)
        assert told_of(receiver) == [("new-finding", "fired")]


def told_of(receiver: Receiver) -> list[tuple[str, str]]:
    return [(one.body["alert"], one.body["event"]) for one in receiver.told]
