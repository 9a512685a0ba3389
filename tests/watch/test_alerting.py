"""The life of an alert under a clock that the tests turn: when it fires, who is told, when it is over."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.model.alerting import AlertState, Event, Observation, Part, Sample, key_of
from coldtrail.model.alerts import Alert
from coldtrail.model.routes import Route
from coldtrail.model.silences import Silence
from coldtrail.watch.alerting import GROWS_AFTER_NS, Rules, Rung, acknowledged, grouped, ladder_of, rules_of, step
from coldtrail.watch.muting import active_of, muting

S = 10**9
MINUTE = 60 * S
START = 1_795_210_200 * S
"""Friday, 2026-11-20 21:30 UTC."""
BAD = Observation(True, False, 9.0, "9 > 5", (Part("api", 9.0, "9 > 5", "api"),))
BETWEEN = Observation(False, False, 4.0, "4")
GOOD = Observation(False, True, 1.0, "1")
PHONE = (Rung(0, "phone"),)


def later(rules: Rules, state: AlertState, seen: Observation | None, after_ns: int, muted: str = "") -> tuple[AlertState, list[Event]]:
    return step(rules, state, seen, START + after_ns, muted)


def run(rules: Rules, looks: list[tuple[int, Observation | None, str]]) -> tuple[AlertState, list[Event]]:
    state, told = AlertState(), []
    for at_ns, seen, muted in looks:
        state, events = later(rules, state, seen, at_ns, muted)
        told += events
    return state, told


def words(events: list[Event]) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(one.what, (one.time_ns - START) // S, one.routes) for one in events]


def alert(check: dict[str, Any], **more: Any) -> Alert:
    return msgspec.convert({"check": check, **more}, Alert)


def route(**more: Any) -> Route:
    return msgspec.convert({"to": {"type": "webhook", "url": "https://hooks.example/a"}, **more}, Route)


def test_it_fires_only_after_it_was_wrong_for_as_long_as_it_says() -> None:
    rules = Rules(for_ns=2 * MINUTE, ladder=PHONE)
    state, events = run(rules, [(0, BAD, ""), (MINUTE, GOOD, ""), (2 * MINUTE, BAD, ""), (3 * MINUTE, BAD, "")])
    assert (state.phase, events) == ("pending", [])
    state, events = later(rules, state, BAD, 4 * MINUTE)
    assert (state.phase, words(events)) == ("firing", [("fired", 240, ("phone",))])


def test_between_the_bounds_nothing_changes_and_well_must_last() -> None:
    rules = Rules(clear_for_ns=MINUTE, ladder=PHONE)
    looks = [(0, BAD, ""), (10 * S, BETWEEN, ""), (20 * S, GOOD, ""), (50 * S, BETWEEN, ""), (60 * S, GOOD, ""), (119 * S, GOOD, "")]
    state, events = run(rules, looks)
    assert (state.phase, words(events)) == ("firing", [("fired", 0, ("phone",))])
    state, events = later(rules, state, GOOD, 120 * S)
    assert (state.phase, words(events)) == ("recovered", [("recovered", 120, ("phone",))])


def test_who_does_not_acknowledge_is_followed_by_the_next_one() -> None:
    ladder = (Rung(0, "phone"), Rung(15 * MINUTE, "chief"))
    rules = Rules(repeat_ns=60 * MINUTE, ladder=ladder)
    state, events = run(rules, [(at * MINUTE, BAD, "") for at in (0, 14, 15, 16, 75, 76)])
    assert words(events) == [("fired", 0, ("phone",)), ("escalated", 900, ("chief",)), ("repeated", 4500, ("phone", "chief"))]
    assert later(rules, state, GOOD, 80 * MINUTE)[1][0].routes == ("phone", "chief")
    state, _ = later(rules, AlertState(), BAD, 0)
    state, event = acknowledged(state, "ada", START + MINUTE)
    assert (event.what, event.by, event.routes) == ("acknowledged", "ada", ("phone",))
    for at in (15, 75, 500):
        state, events = later(rules, state, BAD, at * MINUTE)
        assert events == []
    assert words(later(rules, state, GOOD, 501 * MINUTE)[1]) == [("recovered", 501 * 60, ("phone",))]


def test_more_parts_of_the_same_trouble_are_told_once_under_the_same_alert() -> None:
    more = Observation(True, False, 9.0, "9 > 5, and 1 more", (*BAD.parts, Part("web", 8.0, "8 > 5", "web")))
    rules = Rules(ladder=PHONE)
    _, events = run(rules, [(0, BAD, ""), (S, more, ""), (GROWS_AFTER_NS, more, ""), (2 * GROWS_AFTER_NS, more, ""), (3 * GROWS_AFTER_NS, BAD, "")])
    assert words(events) == [("fired", 0, ("phone",)), ("grew", 60, ("phone",))]


def test_what_is_muted_is_kept_and_told_once_the_mute_ends() -> None:
    rules = Rules(ladder=PHONE)
    _, events = run(rules, [(0, BAD, "silence night"), (S, BAD, "silence night"), (2 * S, BAD, "")])
    assert words(events) == [("fired", 0, ()), ("muted", 0, ()), ("told", 2, ("phone",))]
    _, events = run(rules, [(0, BAD, "silence night"), (S, GOOD, "silence night")])
    assert [one.what for one in events if one.routes] == [], "who was never told is not told that it is over"
    _, events = run(rules, [(0, BAD, ""), (S, BAD, "silence night"), (2 * S, GOOD, "silence night")])
    assert words(events)[-1] == ("recovered", 2, ("phone",)), "what was opened elsewhere is closed there"


def test_an_alert_without_a_route_is_told_when_there_is_one() -> None:
    state, events = later(Rules(), AlertState(), BAD, 0)
    assert words(events) == [("fired", 0, ())]
    assert words(later(Rules(ladder=PHONE), state, None, S)[1]) == [("told", 1, ("phone",))]


LOOKS = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from([BAD, BETWEEN, GOOD, None]),
        st.sampled_from(["", "", "", "silence night"]),
    ),
    max_size=60,
)


@given(LOOKS, st.integers(0, 1200), st.integers(0, 1200), st.sampled_from([0, 3600]))
def test_each_episode_is_told_once_and_ends_once(looks: Any, for_s: int, clear_s: int, repeat_s: int) -> None:
    ladder = (Rung(0, "phone"), Rung(900 * S, "chief"))
    rules = Rules(for_s * S, clear_s * S, repeat_s * S, ladder)
    state, now_ns, wrong_since, well_since = AlertState(), START, None, None
    told: list[Event] = []
    for wait_s, seen, muted in looks:
        now_ns += wait_s * S
        if seen is not None:
            wrong_since = (now_ns if wrong_since is None else wrong_since) if seen.breached else None
            well_since = (now_ns if well_since is None else well_since) if seen.cleared else None
        state, events = step(rules, state, seen, now_ns, muted)
        for event in events:
            told.append(event)
            if event.what == "fired":
                assert wrong_since is not None
                assert now_ns - wrong_since >= for_s * S
            if event.what == "recovered":
                assert well_since is not None
                assert now_ns - well_since >= clear_s * S
            assert not (muted and event.routes and event.what != "recovered"), "nobody is told while it is muted"
    turns = [one.what for one in told if one.what in ("fired", "recovered")]
    assert all(a != b for a, b in pairwise(turns))
    assert turns[:1] in ([], ["fired"])
    for name in ("phone", "chief"):
        news = [one for one in told if name in one.routes]
        first = [one.what for one in news if one.what in ("fired", "told", "escalated", "recovered")]
        assert all((a == "recovered") != (b == "recovered") for a, b in pairwise(first)), "told of once, and once that it is over"
        repeats = [one for one in news if one.what != "recovered"]
        assert all(b.time_ns - a.time_ns >= 3600 * S for a, b in pairwise(repeats) if b.what == "repeated")


@given(st.lists(st.tuples(st.integers(1, 100), st.sampled_from([BAD, BETWEEN, GOOD])), max_size=30))
def test_looking_more_often_at_the_same_changes_nothing_but_the_time(looks: Any) -> None:
    rules, now = Rules(ladder=PHONE), 0
    once, twice = [], []
    for wait_s, seen in looks:
        now += wait_s * S
        once.append((now, seen, ""))
        twice += [(now, seen, ""), (now, seen, "")]
    assert run(rules, once) == run(rules, twice)


def test_samples_become_one_alert_or_one_of_each_group() -> None:
    samples = [
        Sample(Part("a", 7.0, "7", "a"), True, False, 2.0, {"team": "x"}),
        Sample(Part("b", 9.0, "9", "b"), True, False, 4.0, {"team": "y"}),
        Sample(Part("c", 1.0, "1", "c"), False, True, -4.0, {"team": "x"}),
    ]
    check = {"type": "threshold", "figure": "rate", "above": 5}
    (one,) = grouped(alert(check), samples).values()
    assert (one.breached, one.cleared, one.value, one.why, one.scopes) == (True, False, 9.0, "9, and 1 more", ("b", "a"))
    by_team = grouped(alert(check, group_by=["team"]), samples)
    assert {group: seen.value for group, seen in by_team.items()} == {"team=x": 7.0, "team=y": 9.0}
    assert key_of("errors", "team=x") != key_of("errors", "team=y")
    assert key_of("errors", "team=x") == "d9f39ea52a908ff1", "of every release: it closes what an earlier one opened"


def test_routes_make_a_ladder_that_ends_even_where_they_go_round() -> None:
    routes = {
        "phone": route(escalate_to="chief", escalate_after="10m"),
        "chief": route(escalate_to="phone", escalate_after="5m"),
        "mail": route(default=True),
        "off": route(default=True, enabled=False),
    }
    finding = {"type": "finding"}
    assert ladder_of(alert(finding, routes=["phone"]), routes) == (Rung(0, "phone"), Rung(10 * MINUTE, "chief"))
    assert ladder_of(alert(finding), routes) == (Rung(0, "mail"),)
    assert rules_of(alert(finding, routes=["nobody"], **{"for": "90s"}), routes) == Rules(90 * S, 0, 4 * 60 * MINUTE, ())


def test_a_capability_speaks_for_its_components() -> None:
    capability = alert({"type": "capability", "components": [{"scope": "api"}, {"scope": "queue"}]})
    errors, finding = alert({"type": "threshold", "figure": "error_share", "above": 0.1}), alert({"type": "finding"})
    active = [active_of("checkout", capability)]
    assert muting("errors", errors, ("api",), 0, {}, active) == "part of checkout"
    assert muting("new-finding", finding, ("queue", "api"), 0, {}, active) == "part of checkout"
    assert muting("errors", errors, ("api", "elsewhere"), 0, {}, active) == ""
    assert muting("checkout", capability, ("api",), 0, {}, active) == ""
    assert muting("errors", errors, (), 0, {}, active) == ""


def test_alerts_that_inhibit_each_other_leave_one_that_is_told() -> None:
    finding = {"type": "finding"}
    alerts = {"a": alert(finding, inhibits=["b"]), "b": alert(finding, inhibits=["c"]), "c": alert(finding, inhibits=["a"])}
    active = [active_of(name, one) for name, one in alerts.items()]
    inhibits = {name: one.inhibits for name, one in alerts.items()}
    muted = {name: muting(name, one, ("x",), 0, {}, active, inhibits) for name, one in alerts.items()}
    assert muted == {"a": "", "b": "part of a", "c": "part of b"}


def test_silences_hold_once_or_each_week_in_the_clock_of_a_place() -> None:
    night = msgspec.convert({"alerts": ["check*"], "weekly": {"begins": "22:00", "ends": "02:00", "days": ["fri"]}}, Silence)
    held = [night.holds(START + minutes * MINUTE) for minutes in (0, 29, 30, 269, 270, 7 * 1440 + 30)]
    assert held == [False, False, True, True, False, True]
    assert muting("checkout", alert({"type": "finding"}), (), START + 30 * MINUTE, {"night": night}) == "silence night"
    assert muting("other", alert({"type": "finding"}), (), START + 30 * MINUTE, {"night": night}) == ""
    once = msgspec.convert({"scopes": ["ord*"], "since": "2026-11-20T21:30:00Z", "until": "2026-11-20T22:00:00Z"}, Silence)
    assert [once.holds(START + minutes * MINUTE) for minutes in (-1, 0, 29, 30)] == [False, True, True, False]
    assert once.matches("any", ("orders",))
    assert not once.matches("any", ("orders", "web"))
    assert not once.matches("any", ())
