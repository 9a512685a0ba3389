"""How much of each quota is used, step by step: from CloudWatch where it told, else from spans, lines and trails."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from coldtrail.services.service import Metric, Quota, Service
from coldtrail.store.engine import Engine
from coldtrail.store.entries import newest_part
from coldtrail.store.figures.apis import requests_of_all_apis
from coldtrail.store.figures.calls import calls_of_many
from coldtrail.store.figures.cloudwatch import known_names, received_by_resource
from coldtrail.store.figures.executions import executions_started
from coldtrail.store.figures.functions import figures_by_function
from coldtrail.store.figures.messages import WORK, figures_of_many
from coldtrail.store.figures.steps import Figures, Steps
from coldtrail.store.figures.watched import Told, brings, derive
from coldtrail.store.resource_names import Resource
from coldtrail.store.resources import list_resources
from coldtrail.store.sources.messages import KEY_KINDS

MOST_DERIVED = 12
"""Of so many resources of a kind, the busiest, use is derived where CloudWatch tells none."""


class Known(Struct, frozen=True):
    """A metric of one resource by step, and where it is from."""

    source: Told
    how: str
    values: dict[int, float]


class Use(Struct):
    """One quota of one resource, or of the account. ``values`` by step, in what the quota counts (per second, of a rate).

    ``resource``: "" for the account, `account/region` where that is told. ``overridden``: ``limit`` is from the settings;
    ``configured``: it is what somebody set on the resource, as told by telemetry.
    """

    service: Service
    quota: Quota
    resource: str
    limit: float
    overridden: bool
    configured: bool
    source: Told
    how: str
    values: dict[int, float]


def uses(engine: Engine, services: Iterable[Service], overrides: Mapping[str, float], steps: Steps) -> list[Use]:
    """Return the use of every quota that is known to be used, and one without values of each that no signal tells.

    ``overrides``: limits by a quota's id, or its id, a slash and the resource's name.
    """
    reader = _Reader(engine, steps)
    found: list[Use] = []
    for service in services:
        if service.quotas:
            found += _of_service(reader, service, overrides)
    return found


def _of_service(reader: _Reader, service: Service, overrides: Mapping[str, float]) -> list[Use]:
    metrics = {one.id: one for one in service.metrics}
    known = known_names(reader.engine, service.metrics)
    found: list[Use] = []
    for quota in service.quotas:
        metric = metrics.get(quota.metric)
        if metric is None:
            found.append(_absent(service, quota, overrides, "No metric tells it; it is here for reference."))
            continue
        limits = metrics.get(quota.limit_metric)
        configured = reader.told(service, limits, known, whole=False) if limits else {}
        mine = [
            _use(service, quota, name, overrides, configured.get(name), one, reader.steps)
            for name, one in reader.told(service, metric, known, whole=quota.per != "resource").items()
            if one.values
        ]
        mine = [one for one in mine if one.limit > 0]
        found += mine or [_absent(service, quota, overrides, brings(metric))]
    return found


def _use(
    service: Service,
    quota: Quota,
    resource: str,
    overrides: Mapping[str, float],
    configured: Known | None,
    known: Known,
    steps: Steps,
) -> Use:
    by = quota.per_s / (steps.step_ns / 1e9) if quota.per_s else 1.0
    told = overrides.get(f"{quota.id}/{resource}", overrides.get(quota.id))
    set_on_it = configured.values if configured else {}
    limit = told if told is not None else set_on_it[max(set_on_it)] if set_on_it else quota.value
    return Use(
        service=service,
        quota=quota,
        resource=resource,
        limit=limit,
        overridden=told is not None,
        configured=bool(set_on_it) and told is None,
        source=known.source,
        how=known.how,
        values={step: value * by for step, value in sorted(known.values.items()) if 0 <= step < steps.count},
    )


def _absent(service: Service, quota: Quota, overrides: Mapping[str, float], how: str) -> Use:
    told = overrides.get(quota.id)
    limit = quota.value if told is None else told
    return Use(service, quota, "", limit, told is not None, False, "absent", how, {})


class _Every(Struct, frozen=True):
    """Holds every way but some."""

    but: tuple[str, ...] = ()

    def __contains__(self, way: object) -> bool:
        return way not in self.but


class _Reader:
    """Reads a metric of all resources; what several quotas need is read once."""

    def __init__(self, engine: Engine, steps: Steps) -> None:
        self.engine = engine
        self.steps = steps
        self._told: dict[tuple[str, str, bool], dict[str, Known]] = {}
        self._figures: dict[tuple[str, str, str], Figures] = {}
        self._asked: dict[tuple[str, str, str], Container[str]] = {}
        self._functions: dict[str, Figures] | None = None
        self._resources: dict[str, list[str]] | None = None

    def told(self, service: Service, metric: Metric, known: frozenset[str], *, whole: bool) -> dict[str, Known]:
        """Return a metric of each resource by its name; with ``whole``, of all together."""
        at = (service.id, metric.id, whole)
        if at not in self._told:
            self._told[at] = self._read(service, metric, known, whole=whole)
        return self._told[at]

    def _read(self, service: Service, metric: Metric, known: frozenset[str], *, whole: bool) -> dict[str, Known]:
        one = metric.cloudwatch[0]
        how = f"{one.namespace} {one.metric} of a metric stream"
        streamed = received_by_resource(self.engine, metric, self.steps, known, by_place=whole)
        found = {name: Known("cloudwatch", how, values) for name, values in streamed.items()}
        if metric.derived is None or (whole and found):
            return found
        derived = metric.derived
        if metric.scope == "account":
            figures = derive(self.engine, Resource(service.id, ""), self.steps, (metric,))
            others = {"": figures.get(derived.way, {})}
        elif whole:
            others = {"": self._together(service, derived.way, metric)}
        else:
            others = self._derived(service, derived.way, metric, told=found.keys())
        return {name: Known("derived", derived.how, values) for name, values in others.items()} | found

    def _together(self, service: Service, way: str, metric: Metric) -> dict[int, float]:
        if way == "api.count":
            return requests_of_all_apis(self.engine, self.steps).get(way, {})
        if way == "execution.Started":
            return executions_started(self.engine, self.steps).get(way, {})
        sums: dict[int, float] = {}
        for values in self._derived(service, way, metric, told=()).values():
            for step, value in values.items():
                sums[step] = sums.get(step, 0.0) + value
        return sums

    def _derived(self, service: Service, way: str, metric: Metric, told: Container[str]) -> dict[str, dict[int, float]]:
        """What spans, lines and keys tell of the resources of which CloudWatch told nothing."""
        if service.id == "lambda":
            if self._functions is None:
                self._functions = figures_by_function(self.engine, self.steps)
            return {name: figures[way] for name, figures in self._functions.items() if way in figures}
        names = [name for name in self._names(service.id) if name not in told]
        family = way.partition(".")[0]
        missing = [name for name in names if way not in self._asked.get((service.id, family, name), ())]
        if missing:
            self._ask(service.id, way, metric, missing)
        found = {name: self._figures[service.id, family, name].get(way, {}) for name in names}
        return {name: values for name, values in found.items() if values}

    def _ask(self, kind: str, way: str, metric: Metric, names: list[str]) -> None:
        """Read what tells of a way, of all resources at once where it can be."""
        family = way.partition(".")[0]
        ways: Container[str] = _Every()
        if family == "messages" and kind in KEY_KINDS:
            work = way in WORK
            many = figures_of_many(self.engine, kind, names, self.steps, work=work)
            ways = ways if work else _Every(WORK)
        elif family == "calls":
            many = calls_of_many(self.engine, kind, names, self.steps)
        else:
            many = {name: derive(self.engine, Resource(kind, name), self.steps, (metric,)) for name in names}
        for name in names:
            self._figures[kind, family, name] = many[name]
            self._asked[kind, family, name] = ways

    def _names(self, kind: str) -> list[str]:
        """The busiest resources of a kind that spans or lines of the newest part of the range name."""
        if self._resources is None:
            steps = self.steps
            since_ns = newest_part(self.engine, steps.since_ns, steps.until_ns, steps.step_ns)
            self._resources = {}
            for one in list_resources(self.engine, since_ns, steps.until_ns):
                self._resources.setdefault(one.kind, []).append(one.name)
        return self._resources.get(kind, [])[:MOST_DERIVED]
