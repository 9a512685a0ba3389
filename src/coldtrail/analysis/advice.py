"""What would make it cheaper, from what was observed: memory sizes, provisioned concurrency, table capacity, idle things.

Two kinds of memory advice, never mixed: `observed` compares sizes that really ran; `model` is a bounded guess for a size that
never ran. Its bounds: with less memory a function gets less CPU in proportion, so an attempt takes at best as long as now
and at worst longer in the same proportion; the saving lies between nothing and the share of memory given up (AWS
Lambda Developer Guide, "Configure Lambda function memory": CPU in proportion to memory).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from coldtrail.analysis.bill import Held
from coldtrail.analysis.cost import Cost
from coldtrail.services.prices import HOURS_A_MONTH
from coldtrail.store.costs.usage import Ran

Basis = Literal["observed", "model"]

LEAST_ATTEMPTS = 20
"""Fewer say nothing about a memory size."""
ROOM = 1.25
"""Memory advised is this many times the most that was used."""
MEMORY_STEP_MB = 64
LEAST_MB = 128
TIGHT = 0.9
LEAST_SHARE = Decimal("0.05")
"""A saving below this share of the function's cost is not worth a change."""
FULL_USE = Decimal("0.5")
"""Below this use, capacity is called over-provisioned."""
ZERO = Decimal(0)


class Advice(Struct, frozen=True):
    """One thing to do. Savings are USD a month at the range's rate, from ``least`` to ``most``; equal where observed."""

    kind: Literal["memory", "memory_tight", "provisioned_concurrency", "table_capacity", "idle"]
    service: str
    resource: str
    text: str
    basis: Basis
    least_usd: Decimal
    most_usd: Decimal


def advise(
    attempts: Iterable[Ran],
    held: list[Held],
    costs: list[Cost],
    consumed: Mapping[tuple[str, str], Decimal],
    hours: Decimal,
) -> list[Advice]:
    """Return advice, the greatest saving first. ``consumed``: (table, capacity) to units used over the range."""
    by_function: dict[str, list[Ran]] = {}
    for one in attempts:
        if one.reported and one.memory_mb:
            by_function.setdefault(one.function, []).append(one)
    durations = _durations(costs)
    found: list[Advice] = []
    for function, sizes in by_function.items():
        found += _memory(function, sizes, durations.get(function, ZERO), hours)
    found += _capacity(held, costs, by_function, consumed, hours)
    return sorted(found, key=lambda one: (-one.most_usd, one.kind, one.resource))


def _durations(costs: Iterable[Cost]) -> dict[str, Decimal]:
    """What running costs, by function."""
    sums: dict[str, Decimal] = {}
    for cost in costs:
        if cost.component[0] == "lambda" and cost.price.what == "duration":
            sums[cost.line.resource] = sums.get(cost.line.resource, ZERO) + cost.usd
    return sums


def _monthly(usd: Decimal, hours: Decimal) -> Decimal:
    return usd * HOURS_A_MONTH / hours


def _gb_ms(one: Ran) -> Decimal:
    """GB-milliseconds an attempt, of the warm ones where there are any: cold starts are no matter of size alone."""
    warm = one.count - one.init_count
    ms = (one.billed_ms - one.init_billed_ms) / warm if warm else one.billed_ms / one.count
    return Decimal(repr(ms)) * (one.memory_mb or LEAST_MB) / 1024


def _memory(function: str, sizes: list[Ran], usd: Decimal, hours: Decimal) -> list[Advice]:
    current = max(sizes, key=lambda one: one.last_ns)
    enough = [one for one in sizes if one.count >= LEAST_ATTEMPTS]
    if current.count < LEAST_ATTEMPTS or not usd:
        return []
    share = sum((Decimal(repr(one.billed_ms)) * (one.memory_mb or 0) for one in sizes), ZERO)
    mine = usd * Decimal(repr(current.billed_ms)) * (current.memory_mb or 0) / share if share else ZERO
    if tight := _tight(function, current):
        return [tight]
    best = min(enough, key=_gb_ms)
    saved = 1 - _gb_ms(best) / _gb_ms(current) if _gb_ms(current) else ZERO
    if best is not current and saved >= LEAST_SHARE:
        amount = _monthly(mine * saved, hours)
        slower = _slower(best, current)
        text = (
            f"{function} ran with {best.memory_mb} MB too ({best.count:,} attempts): its running cost {saved:.0%} less than "
            f"with {current.memory_mb} MB, where it is now{slower}."
        )
        return [Advice("memory", "lambda", function, text, "observed", amount, amount)]
    return [] if len(enough) > 1 else _modelled(function, current, mine, hours)


def _slower(best: Ran, current: Ran) -> str:
    if best.duration_p95_ms is None or current.duration_p95_ms is None:
        return ""
    return f"; p95 {best.duration_p95_ms:,.0f} ms against {current.duration_p95_ms:,.0f} ms"


def _tight(function: str, current: Ran) -> Advice | None:
    memory_mb, used_mb = current.memory_mb or 0, current.memory_used_mb or 0
    if used_mb < TIGHT * memory_mb:
        return None
    text = f"{function} used {used_mb} of {memory_mb} MB: give it more before it runs out of memory."
    return Advice("memory_tight", "lambda", function, text, "observed", ZERO, ZERO)


def _modelled(function: str, current: Ran, usd: Decimal, hours: Decimal) -> list[Advice]:
    memory_mb, used_mb = current.memory_mb or 0, current.memory_used_mb
    if not used_mb:
        return []
    wanted = max(LEAST_MB, math.ceil(used_mb * ROOM / MEMORY_STEP_MB) * MEMORY_STEP_MB)
    most = 1 - Decimal(wanted) / memory_mb
    if most < Decimal("0.25"):
        return []
    text = (
        f"{function} used at most {used_mb} of {memory_mb} MB. With {wanted} MB an attempt takes between as long as now and "
        f"{memory_mb / wanted:.1f} times as long; the saving lies between nothing and {most:.0%} of its running. "
        "This is a model, not an observation: try it and compare."
    )
    return [Advice("memory", "lambda", function, text, "model", ZERO, _monthly(usd * most, hours))]


def _capacity(
    held: list[Held],
    costs: list[Cost],
    attempts: Mapping[str, list[Ran]],
    consumed: Mapping[tuple[str, str], Decimal],
    hours: Decimal,
) -> list[Advice]:
    prices: dict[tuple[str, str, str], Decimal] = {}
    for cost in costs:
        prices[cost.component] = prices.get(cost.component, ZERO) + cost.usd
    found = []
    for one in held:
        what = one.what.replace("_", " ")
        usd = prices.get((one.service, one.resource, what), ZERO)
        if not usd:
            continue
        if one.what == "provisioned_concurrency":
            busy_ms = sum(
                (Decimal(repr(each.billed_ms - each.init_billed_ms)) for each in attempts.get(one.resource, [])), ZERO
            )
            used = busy_ms / 3_600_000 / one.unit_hours
        elif one.what in ("read_capacity", "write_capacity"):
            used = consumed.get((one.resource, one.what), ZERO) / (one.unit_hours * 3600)
        else:
            continue
        if used < FULL_USE:
            found.append(_unused(one, what, used, _monthly(usd, hours)))
    return found


def _unused(one: Held, what: str, used: Decimal, usd: Decimal) -> Advice:
    """What is not used costs; how much of it peaks need is not known, so nothing is promised."""
    if not used:
        text = f"The {what} of {one.resource} was not used at all in this range."
        return Advice("idle", one.service, one.resource, text, "observed", usd, usd)
    kind: Literal["provisioned_concurrency", "table_capacity"] = (
        "provisioned_concurrency" if one.service == "lambda" else "table_capacity"
    )
    text = (
        f"{used:.0%} of the {what} of {one.resource} was used on average. Less of it saves up to {1 - used:.0%} of its cost; "
        "how much peaks need, an average does not tell."
    )
    return Advice(kind, one.service, one.resource, text, "model", ZERO, usd * (1 - used))
