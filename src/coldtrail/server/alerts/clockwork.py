"""The clockwork of alerts: every few seconds the process that leads looks, decides, and keeps what is to be told.

Sending is another thread's (`server/alerts/telling.py`): somebody who answers slowly must not hold up what is noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from coldtrail.model.alerting import Observation
from coldtrail.model.alerts import Alert, Capability, OutcomeCheck, built_in
from coldtrail.model.routes import Route
from coldtrail.model.silences import Silence
from coldtrail.server.alerts.looks import CannotLook, Looks, reach_of
from coldtrail.server.alerts.same_trouble import SameTrouble, TrailsOf
from coldtrail.server.clockwork import Clockwork
from coldtrail.state.alerting import KEPT_NS, AlertBook, Kept, Key, Stale, Turn
from coldtrail.state.definitions import Definitions
from coldtrail.state.leases import NotLeader
from coldtrail.store.engine_errors import EngineError
from coldtrail.watch.alerting import grouped, rules_of
from coldtrail.watch.deciding import Subject, ending, turns_of
from coldtrail.watch.muting import Active, active_of, muting
from coldtrail.watch.ways_out import Outside

log = structlog.get_logger(__name__)

PERIOD_S = 10.0
MOST_PERIOD_S = 25.0
SHARE = 0.15
"""Of the time, at most: where looks take long they come less often."""

LEASE_S = 30.0
"""A leader that says nothing for so long, or for three periods, is taken for dead; one with the same data folder takes over
at once."""

MakeLooks = Callable[[Sequence[int], int], Looks]
"""Of moments, ascending, and how far back before the first one figures are needed; nanoseconds."""


class Defined(Struct):
    """Everything that people defined about alerts, read from the state.

    ``broken``: why a definition cannot be used, by its kind and name. ``inhibits``: what alerts silence, by their names;
    ``silent``: routes that do not hear of recoveries.
    """

    alerts: dict[str, Alert]
    routes: dict[str, Route]
    silences: dict[str, Silence]
    broken: dict[str, str]
    inhibits: dict[str, tuple[str, ...]]
    silent: frozenset[str]


def defined(definitions: Definitions) -> Defined:
    """Return alerts (with those that are built in), routes and silences; what this release cannot read is told."""
    alerts, bad_alerts = definitions.usable("alert", Alert)
    routes, bad_routes = definitions.usable("route", Route)
    silences, bad_silences = definitions.usable("silence", Silence)
    alerts = {name: one for name, one in built_in().items() if name not in bad_alerts} | alerts
    broken = {
        f"{kind} {name}": reason
        for kind, bad in (("alert", bad_alerts), ("route", bad_routes), ("silence", bad_silences))
        for name, reason in bad.items()
    }
    return Defined(
        alerts=alerts,
        routes=routes,
        silences=silences,
        broken=broken,
        inhibits={name: one.inhibits for name, one in alerts.items() if one.inhibits},
        silent=frozenset(name for name, one in routes.items() if not one.recovered),
    )


class Alerting(Clockwork):
    """Decides, every few seconds, for all alerts that are defined; one process of those that share a state does."""

    def __init__(
        self,
        book: AlertBook,
        definitions: Definitions,
        looks: MakeLooks,
        holder: str,
        page_url: Callable[[], str],
        outside: Outside,
        trails_of: TrailsOf = lambda units: {},
        told: Callable[[], None] = lambda: None,
        period_s: float = PERIOD_S,
    ) -> None:
        super().__init__("alerting")
        self.failing: dict[str, str] = {}
        """Why an alert cannot be looked at, by its name."""
        self.latest: dict[Key, Observation] = {}
        """What was seen last of each alert, also of those that are well."""
        self.leads = False
        self.book = book
        self.definitions = definitions
        self.looks = looks
        self._holder = holder
        self.page_url = page_url
        self.outside = outside
        self._trails_of = trails_of
        self.told = told
        self._period_s = period_s

    def stop(self) -> None:
        """Finish the round in hand and stop; another process may lead from then on."""
        super().stop()
        if self.leads:
            self.book.give_way(self._holder)

    def decide(self, now_ns: int) -> int:
        """Look at all alerts once; return how many messages are to be sent.

        Raises:
            NotLeader: another process took over meanwhile; nothing was kept.
        """
        lease_s = max(LEASE_S, 3 * self._period_s)
        self.leads = self.book.lead(self._holder, now_ns, now_ns + int(lease_s * 1e9))
        if not self.leads:
            return 0
        known, kept = defined(self.definitions), self.book.states()
        alerts = {name: one for name, one in known.alerts.items() if one.enabled}
        looks = self.looks([now_ns], reach_of(list(alerts.values())))
        failing, turns = dict(known.broken), list[Turn]()
        by_alert: dict[str, dict[str, Kept]] = {}
        for (name, group), one in kept.items():
            by_alert.setdefault(name, {})[group] = one
        active = {
            name: active_of(name, alerts[name]) for name in by_alert if _active(by_alert[name]) and name in alerts
        }
        same = SameTrouble(looks, self._trails_of, known)
        same.states = {key: one.state for key, one in kept.items()}
        for name in sorted(alerts, key=lambda name: (_place(alerts[name]), name)):
            seen = self._seen(name, alerts[name], looks, failing)
            some = self._turns(name, known, by_alert.get(name, {}), seen, (active, same), now_ns)
            turns += some
            same.states |= {(name, turn.group): turn.state for turn in some}
            _speaks(active, name, alerts[name], by_alert.get(name, {}), some)
        self.failing = failing
        gone = {key: one for key, one in kept.items() if key[0] not in alerts and f"alert {key[0]}" not in known.broken}
        for (name, group), one in gone.items():
            if one.state.phase == "firing":
                turns.append(ending(name, group, one, self.page_url(), now_ns))
        self._keep(turns, [key for key, one in gone.items() if one.state.phase != "firing"], now_ns)
        return sum(len(turn.messages) for turn in turns)

    def _seen(self, name: str, alert: Alert, looks: Looks, failing: dict[str, str]) -> dict[str, Observation] | None:
        try:
            seen = grouped(alert, looks.samples(alert.check)[-1])
        except (CannotLook, EngineError) as error:
            failing[name] = str(error)[:300]
            return None
        except Exception as error:  # noqa: BLE001 - one alert that cannot be looked at must not hold up the others
            failing[name] = f"it could not be looked at: {type(error).__name__}"
            log.warning("an alert could not be looked at", alert=name, reason=repr(error)[:300])
            return None
        self.latest = {key: one for key, one in self.latest.items() if key[0] != name} if len(seen) > 1 else self.latest
        self.latest |= {(name, group): one for group, one in seen.items()}
        return seen

    def _turns(
        self,
        name: str,
        known: Defined,
        kept: dict[str, Kept],
        seen: dict[str, Observation] | None,
        others: tuple[dict[str, Active], SameTrouble],
        now_ns: int,
    ) -> list[Turn]:
        alert = known.alerts[name]
        subject = Subject(name, alert, rules_of(alert, known.routes), self.page_url(), known.silent)

        active, same = others

        def mute(group: str, one: Observation | None, scopes: tuple[str, ...]) -> str:
            why = muting(name, alert, scopes, now_ns, known.silences, active.values(), known.inhibits)
            return why or same.muting(name, group, one)

        return turns_of(subject, seen, kept, now_ns, mute)

    def _keep(self, turns: list[Turn], gone: list[Key], now_ns: int) -> None:
        if turns:
            try:
                self.book.save(turns, now_ns, self._holder)
            except Stale:
                log.info("somebody acknowledged an alert meanwhile: looking again")
                return
            for turn in turns:
                for event in turn.events:
                    log.info("alert " + event.what, alert=turn.alert, group=turn.group, routes=event.routes)
            if any(turn.messages for turn in turns):
                self.told()
        if gone:
            self.book.forget(now_ns - KEPT_NS, gone)

    def _run(self) -> None:
        took_s, swept_s = 0.0, 0.0
        while not self._stop.wait(max(self._period_s, min(took_s / SHARE, MOST_PERIOD_S))):
            began_s = time.thread_time()
            try:
                self.decide(time.time_ns())
                if time.monotonic() - swept_s > 3_600:
                    self.book.forget(time.time_ns() - KEPT_NS)
                    swept_s = time.monotonic()
            except NotLeader:
                self.leads = False
            except (EngineError, SQLAlchemyError) as error:
                log.warning("alerts will be looked at again", reason=str(error)[:300])
            took_s = time.thread_time() - began_s


def _place(alert: Alert) -> int:
    """Those that speak for others are looked at first: capabilities, then what became of users' actions."""
    return 0 if isinstance(alert.check, Capability) else 1 if isinstance(alert.check, OutcomeCheck) else 2


def _active(groups: dict[str, Kept]) -> bool:
    return any(one.state.phase in ("pending", "firing") for one in groups.values())


def _speaks(active: dict[str, Active], name: str, alert: Alert, before: dict[str, Kept], turns: list[Turn]) -> None:
    """Keep in mind whether an alert fires, or is about to, for those that are looked at after it."""
    now = before | {turn.group: Kept(turn.version, turn.state) for turn in turns}
    if _active(now):
        active[name] = active_of(name, alert)
    else:
        active.pop(name, None)
