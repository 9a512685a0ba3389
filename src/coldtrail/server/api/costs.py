"""Costs of a range: by function, resource, service, workflow or tenant, against another range, and what would save."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import ClientException

from coldtrail.analysis.advice import advise
from coldtrail.analysis.bill import Assumptions, resource_lines
from coldtrail.analysis.cost import (
    Part,
    by_caller,
    by_membership,
    by_resource,
    by_service,
    group,
)
from coldtrail.analysis.moved import TOLERANCE, Comparison, Component, compare, words
from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import Service, json
from coldtrail.server.api.times import parse_time
from coldtrail.server.money.billing import Bill, bill
from coldtrail.store.costs.usage import Share, tenants
from coldtrail.store.entries import newest_part

By = Literal["function", "resource", "service", "workflow", "tenant"]
Per = Literal["total", "thousand_requests"]

MINUTE_NS = 60 * 10**9
THOUSAND = Decimal(1_000)
MOST_GROUPS = 500


@get("/costs", sync_to_thread=True)
def costs(
    state: State,
    since: str | None = None,
    until: str | None = None,
    by: By = "resource",
    per: Per = "total",
    before_since: str | None = None,
    before_until: str | None = None,
    workflow: str = "",
    tolerance: float = float(TOLERANCE),
) -> Response[bytes]:
    """What a range cost, and with `before_since` what changed since another, with the verdict.

    ``workflow``: only what trails with this origin (a group's name of `by=workflow`) caused.
    """
    if not 0 <= tolerance < 1:
        raise ClientException(f"tolerance must be a share of 1 such as 0.02, got {tolerance}")
    service: Service = state.service
    found = _bill(service, *time_range(since, until))
    groups = group(found.costs, _grouping(service, found, by))
    if workflow:
        groups = _of_workflow(found, groups, workflow, by)
    count = _trail_count(found, workflow)
    scale = THOUSAND / count if per == "thousand_requests" and count else Decimal(1)
    answer = {
        "since": rfc3339(found.since_ns),
        "until": rfc3339(found.until_ns),
        "hours": float(found.hours),
        "currency": "USD",
        "by": by,
        "per": per,
        "region": found.book.region,
        "region_told": found.region_told,
        "free_tier": found.book.free_tier,
        "trail_count": count,
        "workflow": workflow or None,
        "total_usd": usd_text(sum((part.usd for parts in groups.values() for part in parts), Decimal(0)) * scale),
        "groups": _groups(groups, scale),
        "prices": _prices(found),
        "comparison": None,
    }
    if before_since:
        answer["comparison"] = _comparison(
            service, found, before_since, before_until, workflow, Decimal(repr(tolerance))
        )
    return json(answer)


def _bill(service: Service, since_ns: int, until_ns: int, *, durations: bool = False) -> Bill:
    configured = service.deployments.configured(until_ns)
    return bill(service.engine, service.costs, configured, since_ns, until_ns, durations=durations)


def workflow_name(one: Share) -> str:
    """Return what a workflow is called: the service and the name of its trails' origin."""
    return " ".join(dict.fromkeys(part for part in (one.service, one.name) if part)) or "unknown"


def _members(shares: Iterable[Share]) -> dict[str, Mapping[str, int]]:
    return {workflow_name(one): one.by_service for one in shares}


def _grouping(service: Service, found: Bill, by: By) -> Any:
    if by == "workflow":
        return by_membership(_members(found.workflows))
    if by == "tenant":
        since_ns = newest_part(service.engine, found.since_ns, found.until_ns, MINUTE_NS)
        told = tenants(service.engine, since_ns, found.until_ns, service.costs.tenant_attribute)
        return by_membership(_members(told))
    return {"function": by_caller, "resource": by_resource, "service": by_service}[by]


def _trail_count(found: Bill, workflow: str) -> int:
    if not workflow:
        return found.trail_count
    return sum(one.trail_count for one in found.workflows if workflow_name(one) == workflow)


def _share_of(found: Bill, workflow: str) -> dict[int, Decimal]:
    """Which part of each cost, by its place, a workflow caused."""
    grouping = by_membership(_members(found.workflows))
    return {id(cost): grouping(cost).get(workflow, Decimal(0)) for cost in found.costs}


def _of_workflow(found: Bill, groups: dict[str, list[Part]], workflow: str, by: By) -> dict[str, list[Part]]:
    shares = _share_of(found, workflow)
    if by == "workflow":
        return {name: parts for name, parts in groups.items() if name == workflow}
    cut = {
        name: [Part(one.cost, one.quantity * shares[id(one.cost)], one.usd * shares[id(one.cost)]) for one in parts]
        for name, parts in groups.items()
    }
    return {name: kept for name, parts in cut.items() if (kept := [one for one in parts if one.usd])}


def usd_text(amount: Decimal) -> str:
    """Return an amount exactly, without an exponent."""
    return f"{amount:.12f}".rstrip("0").rstrip(".") if amount else "0"


def _groups(groups: dict[str, list[Part]], scale: Decimal) -> list[dict[str, Any]]:
    sums = {name: sum((part.usd for part in parts), Decimal(0)) for name, parts in groups.items()}
    whole = sum(sums.values(), Decimal(0))
    ordered = sorted(sums, key=lambda name: (-sums[name], name))[:MOST_GROUPS]
    return [
        {
            "name": name or None,
            "usd": usd_text(sums[name] * scale),
            "share": float(sums[name] / whole) if whole else 0.0,
            "components": [component(one, scale) for one in sorted(groups[name], key=lambda one: -one.usd)],
        }
        for name in ordered
    ]


def component(part: Part, scale: Decimal) -> dict[str, Any]:
    """Return one line of a table of costs, times ``scale``."""
    line, price = part.cost.line, part.cost.price
    return {
        "service": line.service,
        "resource": line.resource,
        "what": price.what,
        "price_id": price.id,
        "quantity": float(part.quantity * scale),
        "unit": price.unit,
        "usd": usd_text(part.usd * scale),
        "estimated": line.estimated,
        "note": line.note or None,
    }


def _prices(found: Bill) -> list[dict[str, Any]]:
    """The prices that were used, with where each is from."""
    used = {cost.price.id: cost.price for cost in found.costs}
    return [
        {
            "price_id": price.id,
            "unit": price.unit,
            "per": price.per,
            "usd": usd_text(found.book.tiers(price)[0].usd),
            "tiers": [{"above": float(tier.above), "usd": usd_text(tier.usd)} for tier in found.book.tiers(price)],
            "free_per_month": float(price.free),
            "region": found.book.region_of(price),
            "source": price.source,
            "as_of": price.as_of,
        }
        for price in sorted(used.values(), key=lambda one: one.id)
    ]


def _components(found: Bill, workflow: str) -> dict[Component, Decimal]:
    shares = _share_of(found, workflow) if workflow else {}
    sums: dict[Component, Decimal] = {}
    for cost in found.costs:
        part = cost.usd * shares[id(cost)] if workflow else cost.usd
        sums[cost.component] = sums.get(cost.component, Decimal(0)) + part
    return sums


def _comparison(
    service: Service, found: Bill, since: str, until: str | None, workflow: str, tolerance: Decimal
) -> dict[str, Any]:
    since_ns = parse_time(since, "before_since")
    until_ns = parse_time(until, "before_until") if until else since_ns + (found.until_ns - found.since_ns)
    if until_ns <= since_ns:
        raise ClientException("before_until must be after before_since")
    before = _bill(service, since_ns, until_ns)
    counts = _trail_count(before, workflow), _trail_count(found, workflow)
    compared = compare(_components(before, workflow), _components(found, workflow), *counts, tolerance)
    return {
        "since": rfc3339(before.since_ns),
        "until": rfc3339(before.until_ns),
        "trail_count": counts[0],
        **_told(compared, tolerance),
    }


def _told(compared: Comparison, tolerance: Decimal) -> dict[str, Any]:
    return {
        "verdict": compared.verdict,
        "words": words(compared, tolerance),
        "tolerance": float(tolerance),
        "before_usd": usd_text(compared.before_usd),
        "after_usd": usd_text(compared.after_usd),
        "change_usd": usd_text(compared.after_usd - compared.before_usd),
        "fell_usd": usd_text(compared.fell_usd),
        "rose_usd": usd_text(compared.rose_usd),
        "components": [
            {
                "service": one.component[0],
                "resource": one.component[1],
                "what": one.component[2],
                "before_usd": usd_text(one.before_usd),
                "after_usd": usd_text(one.after_usd),
                "change_usd": usd_text(one.usd),
            }
            for one in compared.changes
        ],
    }


@get("/costs/advice", sync_to_thread=True)
def cost_advice(state: State, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """What would save, per month at the range's rate; each says whether it was observed or is a model."""
    service: Service = state.service
    found = _bill(service, *time_range(since, until), durations=True)
    told = advise(found.attempts, found.held, found.costs, _consumed(found), found.hours)
    return json(
        {
            "since": rfc3339(found.since_ns),
            "until": rfc3339(found.until_ns),
            "currency": "USD",
            "advice": [
                {
                    "kind": one.kind,
                    "service": one.service,
                    "resource": one.resource,
                    "text": one.text,
                    "basis": one.basis,
                    "least_usd_per_month": usd_text(one.least_usd),
                    "most_usd_per_month": usd_text(one.most_usd),
                }
                for one in told
            ],
        }
    )


def _consumed(found: Bill) -> dict[tuple[str, str], Decimal]:
    """Capacity units that tables used: as metrics tell, else as calls do."""
    assumed = [line for line in resource_lines(found.calls, [], Assumptions()) if line.service == "dynamodb"]
    units = {(line.resource, line.price_id): line.quantity for line in assumed} | dict(found.measured.consumed)
    return {
        (table, price_id.rpartition(".")[2].replace("_units", "_capacity")): quantity
        for (table, price_id), quantity in units.items()
    }


router = Router(path="/", route_handlers=[costs, cost_advice], tags=["costs"])
