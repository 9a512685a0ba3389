"""What usage costs: quantities times prices, in exact decimals of a US dollar, by whatever one asks for.

A price's tiers and free allowance count for the whole account, so all quantities of a price are added up first, and what they
cost together is shared out by quantity. A range starts at the first tier: a month's costs are exact, a shorter range's never
too low. The free allowance of a month counts for the range's share of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Struct

from coldtrail.services.prices import BASE_REGION, HOURS_A_MONTH, PRICES, Price, Tier

ZERO = Decimal(0)
_GRAIN = Decimal("1e-12")
"""Amounts are kept to a millionth of a millionth of a dollar; a cent is a matter of showing them."""


class Line(Struct, frozen=True):
    """How much of one price one resource used. ``callers``: on whose behalf, in which proportion; "" is nobody known.

    ``estimated``: the quantity, or part of it, is not told by telemetry; ``note`` says what was assumed.
    """

    service: str
    resource: str
    price_id: str
    quantity: Decimal
    callers: tuple[tuple[str, Decimal], ...] = ()
    estimated: bool = False
    note: str = ""


class Cost(Struct, frozen=True):
    """A line with what it costs. ``usd_per`` is the mean price of ``per`` units."""

    line: Line
    price: Price
    usd: Decimal

    @property
    def component(self) -> tuple[str, str, str]:
        """(service, resource, what): the parts whose costs are compared."""
        return self.line.service, self.line.resource, self.price.what


class PriceBook(Struct, frozen=True):
    """Which figures are in force. ``overrides``: by a price's id, USD per the price's own number of units, all tiers."""

    region: str = BASE_REGION
    overrides: Mapping[str, Decimal] = {}
    free_tier: bool = False

    def tiers(self, price: Price) -> tuple[Tier, ...]:
        """Return the tiers of a price: one's own figure, the region's, or the base region's."""
        if price.id in self.overrides:
            return (Tier(ZERO, self.overrides[price.id]),)
        return price.regions.get(self.region) or price.regions[BASE_REGION]

    def region_of(self, price: Price) -> str:
        """Return whose figure it is: a region, or `settings`."""
        if price.id in self.overrides:
            return "settings"
        return self.region if self.region in price.regions else BASE_REGION

    def charge(self, price: Price, quantity: Decimal, hours: Decimal) -> Decimal:
        """Return what a quantity costs within ``hours``."""
        if self.free_tier:
            quantity = max(ZERO, quantity - price.free * hours / HOURS_A_MONTH)
        tiers = self.tiers(price)
        usd = ZERO
        for number, tier in enumerate(tiers):
            end = tiers[number + 1].above if number + 1 < len(tiers) else quantity
            usd += max(ZERO, min(quantity, end) - tier.above) * tier.usd / price.per
        return usd


def price_lines(lines: Iterable[Line], book: PriceBook, hours: Decimal) -> list[Cost]:
    """Return what each line costs; together they cost what their sum costs."""
    lines = [line for line in lines if line.quantity > 0]
    together: dict[str, Decimal] = {}
    for line in lines:
        together[line.price_id] = together.get(line.price_id, ZERO) + line.quantity
    charged = {one: book.charge(PRICES[one], quantity, hours) for one, quantity in together.items()}
    return [
        Cost(line, PRICES[line.price_id], _grain(charged[line.price_id] * line.quantity / together[line.price_id]))
        for line in lines
    ]


def _grain(usd: Decimal) -> Decimal:
    return usd.quantize(_GRAIN, ROUND_HALF_EVEN)


def total(costs: Iterable[Cost]) -> Decimal:
    """Return the sum in USD."""
    return sum((cost.usd for cost in costs), ZERO)


class Part(Struct, frozen=True):
    """A share of one cost that belongs to one group."""

    cost: Cost
    quantity: Decimal
    usd: Decimal


Grouping = Callable[[Cost], Mapping[str, Decimal]]
"""To which groups a cost belongs, and in which proportion; proportions add up to 1."""

UNKNOWN = ""
"""The group of what nobody can be named for."""


def group(costs: Iterable[Cost], grouping: Grouping) -> dict[str, list[Part]]:
    """Share costs out; the sum of all parts is the sum of all costs."""
    found: dict[str, list[Part]] = {}
    for cost in costs:
        shares = grouping(cost) or {UNKNOWN: Decimal(1)}
        left_usd, left = cost.usd, cost.line.quantity
        for number, (name, share) in enumerate(sorted(shares.items()), start=1):
            last = number == len(shares)
            usd = left_usd if last else _grain(cost.usd * share)
            quantity = left if last else cost.line.quantity * share
            left_usd, left = left_usd - usd, left - quantity
            found.setdefault(name, []).append(Part(cost, quantity, usd))
    return found


def by_service(cost: Cost) -> Mapping[str, Decimal]:
    """By managed service, as on AWS's bill."""
    return {cost.line.service: Decimal(1)}


def by_resource(cost: Cost) -> Mapping[str, Decimal]:
    """By the function, table, queue, ... that is billed."""
    return {f"{cost.line.service} {cost.line.resource}": Decimal(1)}


def by_caller(cost: Cost) -> Mapping[str, Decimal]:
    """By the function that caused it: its own running, and what it called."""
    return proportions(cost.line.callers)


def proportions(weights: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Return weights as shares of 1; none where there is no weight."""
    summed: dict[str, Decimal] = {}
    for name, weight in weights:
        summed[name] = summed.get(name, ZERO) + weight
    whole = sum(summed.values(), ZERO)
    return {name: weight / whole for name, weight in summed.items() if weight > 0} if whole > 0 else {}


def by_membership(members: Mapping[str, Mapping[str, int]]) -> Grouping:
    """By group (a workflow, a tenant) of trails: a caller's cost is shared by the number of each group's trails it was in.

    ``members``: group to caller to number of trails. A model: trails of all groups are taken to cost a caller the same.
    """
    of: dict[str, list[tuple[str, Decimal]]] = {}
    for name, callers in members.items():
        for caller, count in callers.items():
            of.setdefault(caller, []).append((name, Decimal(count)))

    def grouping(cost: Cost) -> Mapping[str, Decimal]:
        shares: dict[str, Decimal] = {}
        for caller, weight in proportions(cost.line.callers).items():
            for name, share in (proportions(of.get(caller, [])) or {UNKNOWN: Decimal(1)}).items():
                shares[name] = shares.get(name, ZERO) + weight * share
        return shares

    return grouping
