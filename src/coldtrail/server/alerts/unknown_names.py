"""What a definition names that there is not: told as warnings, because what is not there today may come tomorrow.

Names of other definitions are looked up among those that are kept and those that are applied with them; names of telemetry
among what was received in the last week.
"""

from __future__ import annotations

import copy
import difflib
import functools
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator
from fnmatch import fnmatchcase
from typing import Any

import structlog
from msgspec import Struct

from coldtrail.model.alerts import Absence, Alert, Bounded, BurnRate, Capability, OutcomeCheck, built_in
from coldtrail.model.definitions import BadDefinition
from coldtrail.model.objectives import MetricsSli, Objective, OutcomesSli, RequestsSli, TrailsSli
from coldtrail.model.routes import Route
from coldtrail.model.silences import Silence
from coldtrail.state.definitions import Definitions
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.names_seen import Of, names_seen
from coldtrail.watch.ways_out import NotSent, Outside

log = structlog.get_logger(__name__)

LOOKED_BACK_S = 7 * 86_400
HOLDS_S = 5.0
"""For so long names of telemetry are taken for what they were."""


class Warned(Struct, frozen=True):
    """Something of a definition that is probably not meant; ``path``: where, as `$.routes[0]`."""

    path: str
    message: str


class Telemetry:
    """Names of what was received, read when they are first asked for and kept for some seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._holds_s = HOLDS_S
        self._kept: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def held(self, holds_s: float) -> Telemetry:
        """Return the same, for who is content with names that were read so many seconds ago."""
        same = copy.copy(self)
        same._holds_s = holds_s
        return same

    def names(self, of: Of) -> frozenset[str]:
        """Return the services, functions, routes or entries."""
        return self._of(of, lambda since_s: names_seen(self._engine, of, since_s))

    def metrics(self) -> frozenset[str]:
        """Return the names that PromQL knows."""
        from coldtrail.server.prometheus.series import Selection

        def read(since_s: int) -> frozenset[str]:
            return frozenset(one.name for one in Selection(self._engine).names(since_s * 1000))

        return self._of("metric", read)

    def _of(self, what: str, read: Callable[[int], frozenset[str]]) -> frozenset[str]:
        now_s = time.monotonic()
        with self._lock:
            read_s, found = self._kept.get(what, (-math.inf, frozenset()))
            if now_s - read_s >= self._holds_s:
                found = read(int(time.time()) - LOOKED_BACK_S)
                self._kept[what] = (now_s, found)
        return found


class Names(Struct, frozen=True):
    """Names of definitions by kind: those that are kept, and ``besides`` those that come with them."""

    alerts: frozenset[str]
    objectives: frozenset[str]
    workflows: frozenset[str]
    routes: dict[str, bool]
    """Whether each is one that alerts go to which name none."""


def names_of(definitions: Definitions, besides: Collection[tuple[str, str, dict[str, Any]]] = ()) -> Names:
    """Return what there is to be named."""
    coming: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, name, spec in besides:
        coming.setdefault(kind, {})[name] = spec

    def of(kind: str) -> frozenset[str]:
        return frozenset(definitions.names(kind)) | frozenset(coming.get(kind, ()))

    routes = {one.name: one.spec for one in definitions.listed("route")} | coming.get("route", {})
    return Names(
        alerts=of("alert") | frozenset(built_in()),
        objectives=of("objective"),
        workflows=of("workflow"),
        routes={name: bool(spec.get("default")) and spec.get("enabled") is not False for name, spec in routes.items()},
    )


def warnings_of(name: str, spec: Struct, names: Names, telemetry: Telemetry, outside: Outside) -> list[Warned]:
    """Return what is to be warned of; nothing about telemetry while the store does not answer.

    Raises:
        BadDefinition: an expression asks for what the evaluator does not have.
    """
    _can_be_evaluated(spec)
    if isinstance(spec, Alert):
        found = [*_of_alert(name, spec, names), *_about(lambda: _of_check(spec.check, telemetry))]
    elif isinstance(spec, Objective):
        found = [*_of_sli(spec, names), *_about(lambda: _of_events(spec, telemetry))]
    elif isinstance(spec, Route):
        found = list(_of_route(name, spec, names, outside))
    elif isinstance(spec, Silence):
        found = list(_of_silence(spec, names))
    else:
        found = []
    return found


def _expressions(spec: Struct) -> list[tuple[str, str]]:
    """PromQL in a definition, with where it stands."""
    if isinstance(spec, Alert):
        promql = getattr(spec.check, "promql", "")
        return [("$.check.promql", promql)] if promql else []
    if isinstance(spec, Objective) and isinstance(spec.sli, MetricsSli):
        return [("$.sli.good", spec.sli.good), ("$.sli.valid", spec.sli.valid)]
    return []


def _can_be_evaluated(spec: Struct) -> None:
    from coldtrail.server.promql.asked import names_asked
    from coldtrail.server.promql.values import BadQuery

    for path, promql in _expressions(spec):
        try:
            names_asked(promql)
        except BadQuery as error:
            raise BadDefinition(f"{path.rpartition('.')[2]} cannot be evaluated: {error}", path) from None


def _about(warned: Callable[[], Iterator[Warned]]) -> list[Warned]:
    try:
        return list(warned())
    except EngineError as error:
        log.info("names of telemetry could not be looked up", reason=str(error)[:200])
        return []


def _of_alert(name: str, alert: Alert, names: Names) -> Iterator[Warned]:
    for at, route in enumerate(alert.routes):
        yield from _unknown(f"$.routes[{at}]", "route", route, names.routes)
    if not alert.routes and not any(names.routes.values()):
        yield Warned("$.routes", "no route is marked as default, so nobody is told")
    for at, other in enumerate(alert.inhibits):
        if other == name:
            yield Warned(f"$.inhibits[{at}]", "an alert does not silence itself")
        yield from _unknown(f"$.inhibits[{at}]", "alert", other, names.alerts)
    if isinstance(alert.check, BurnRate) and alert.check.objective:
        yield from _unknown("$.check.objective", "objective", alert.check.objective, names.objectives)
    if isinstance(alert.check, OutcomeCheck) and alert.check.workflow:
        yield from _unknown("$.check.workflow", "workflow", alert.check.workflow, names.workflows)


def _of_check(check: Any, telemetry: Telemetry) -> Iterator[Warned]:
    if isinstance(check, Bounded | Absence):
        if check.promql:
            yield from _unknown_metrics("$.check.promql", check.promql, telemetry)
        elif check.scope:
            yield from _unseen("$.check.scope", check.of, check.scope, telemetry)
    if isinstance(check, Capability):
        for at, one in enumerate(check.components):
            yield from _unseen(f"$.check.components[{at}].scope", one.of, one.scope, telemetry)


def _of_sli(objective: Objective, names: Names) -> Iterator[Warned]:
    if isinstance(objective.sli, OutcomesSli):
        yield from _unknown("$.sli.workflow", "workflow", objective.sli.workflow, names.workflows)


def _of_events(objective: Objective, telemetry: Telemetry) -> Iterator[Warned]:
    sli = objective.sli
    if isinstance(sli, RequestsSli):
        yield from _unseen("$.sli.scope", sli.of, sli.scope, telemetry)
    elif isinstance(sli, TrailsSli) and sli.service:
        seen = telemetry.names("service") | telemetry.names("function")
        yield from _not_among("$.sli.service", "service", sli.service, seen)
    elif isinstance(sli, MetricsSli):
        yield from _unknown_metrics("$.sli.good", sli.good, telemetry)
        yield from _unknown_metrics("$.sli.valid", sli.valid, telemetry)


def _of_route(name: str, route: Route, names: Names, outside: Outside) -> Iterator[Warned]:
    if route.escalate_to == name:
        yield Warned("$.escalate_to", "a route does not escalate to itself")
    elif route.escalate_to:
        yield from _unknown("$.escalate_to", "route", route.escalate_to, names.routes)
    for field in ("secret", "url"):
        reference = getattr(route.to, field, "")
        if reference.startswith(("env:", "file:")):
            try:
                outside.read_secret(reference)
            except NotSent as error:
                yield Warned(f"$.to.{field}", str(error))


def _of_silence(silence: Silence, names: Names) -> Iterator[Warned]:
    for at, pattern in enumerate(silence.alerts):
        if not any(fnmatchcase(one, pattern) for one in names.alerts):
            yield Warned(f"$.alerts[{at}]", f'there is no alert "{pattern}"{_like(pattern, names.alerts)}')
    if silence.until and silence.until.timestamp() < time.time():
        yield Warned("$.until", "it is over already")


def _unknown(path: str, kind: str, name: str, known: Collection[str]) -> Iterator[Warned]:
    if name not in known:
        yield Warned(path, f'there is no {kind} "{name}"{_like(name, known)}')


def _unseen(path: str, of: Of, name: str, telemetry: Telemetry) -> Iterator[Warned]:
    yield from _not_among(path, of, name, telemetry.names(of))


def _unknown_metrics(path: str, promql: str, telemetry: Telemetry) -> Iterator[Warned]:
    from coldtrail.server.promql.asked import names_asked

    seen = telemetry.metrics()
    for name in names_asked(promql):
        yield from _not_among(path, "metric", name, seen)


def _not_among(path: str, kind: str, name: str, seen: Collection[str]) -> Iterator[Warned]:
    if name not in seen:
        yield Warned(path, f'the {kind} "{name[:200]}" was not seen in the last week{_like(name, seen)}')


def _like(name: str, known: Collection[str]) -> str:
    """What may have been meant."""
    return _close(name, frozenset(known)) if len(known) <= 2_000 else ""


@functools.lru_cache(4_096)
def _close(name: str, known: frozenset[str]) -> str:
    """Kept, because the list of alerts asks for all of them every few seconds."""
    close = difflib.get_close_matches(name, known, 1, 0.7)
    return f': did you mean "{close[0]}"?' if close else ""
