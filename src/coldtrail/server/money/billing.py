"""A range's costs, put together from the store's usage, the settings and the deployments; thin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct, structs

from coldtrail.analysis.bill import Held, function_lines, resource_lines
from coldtrail.analysis.cost import Cost, Line, PriceBook, price_lines
from coldtrail.server.money.capacity import held_of_deployments, held_of_metrics
from coldtrail.server.settings.costs import Costs
from coldtrail.services.prices import BASE_REGION
from coldtrail.state.deployments import Deployment
from coldtrail.store.costs.capacity import Metered, metered
from coldtrail.store.costs.usage import Fact, Ran, Share, Used, facts, ran, used, workflows
from coldtrail.store.engine import Engine

MINUTE_NS = 60 * 10**9
HOUR_NS = 3600 * 10**9


class Bill(Struct, frozen=True):
    """What a range of whole minutes cost, and what it was worked out from."""

    since_ns: int
    until_ns: int
    costs: list[Cost]
    workflows: list[Share]
    attempts: list[Ran]
    calls: list[Used]
    held: list[Held]
    facts: list[Fact]
    measured: Metered
    book: PriceBook
    region_told: bool

    @property
    def hours(self) -> Decimal:
        """The range's length."""
        return hours_of(self.since_ns, self.until_ns)

    @property
    def trail_count(self) -> int:
        """Trails that began in the range."""
        return sum(one.trail_count for one in self.workflows)


def hours_of(since_ns: int, until_ns: int) -> Decimal:
    """Return the length of a range in hours."""
    return Decimal(until_ns - since_ns) / HOUR_NS


def whole_minutes(since_ns: int, until_ns: int) -> tuple[int, int]:
    """Return the whole minutes that a range touches: usage is kept by minute."""
    since_ns = since_ns // MINUTE_NS * MINUTE_NS
    return since_ns, max(since_ns + MINUTE_NS, -(-until_ns // MINUTE_NS) * MINUTE_NS)


def region_of(told: list[Fact], settings: Costs) -> tuple[str, bool]:
    """Return the region to price for, and whether anything told it."""
    if settings.region:
        return settings.region, True
    regions = Counter(one.region for one in told if one.region)
    return (regions.most_common(1)[0][0], True) if regions else (BASE_REGION, False)


def bill(
    engine: Engine,
    settings: Costs,
    deployments: list[Deployment],
    since_ns: int,
    until_ns: int,
    *,
    durations: bool = False,
) -> Bill:
    """Work a range out; reads roll-ups, metrics and invocations, no span. ``deployments``: those that tell of capacity.

    ``durations``: percentiles of the attempts too.
    """
    since_ns, until_ns = whole_minutes(since_ns, until_ns)
    hours = hours_of(since_ns, until_ns)
    told = facts(engine, since_ns)
    region, region_told = region_of(told, settings)
    book = PriceBook(region, settings.prices, settings.free_tier)
    attempts, calls = ran(engine, since_ns, until_ns, durations=durations), used(engine, since_ns, until_ns)
    measured = metered(engine, since_ns, until_ns)
    announced = held_of_deployments(deployments, since_ns, until_ns)
    held = _surest([*settings.held(hours, "the settings"), *announced, *held_of_metrics(measured)])
    assumed = settings.assumptions()
    lines = [*function_lines(attempts, told, held, hours, assumed), *resource_lines(calls, held, assumed)]
    lines = as_measured(lines, measured, held)
    return Bill(
        since_ns=since_ns,
        until_ns=until_ns,
        costs=price_lines(lines, book, hours),
        workflows=workflows(engine, since_ns, until_ns),
        attempts=attempts,
        calls=calls,
        held=held,
        facts=told,
        measured=measured,
        book=book,
        region_told=region_told,
    )


def _surest(held: list[Held]) -> list[Held]:
    """One for each resource and capacity: what comes later in the list knows better, but not always whose it is."""
    found: dict[tuple[str, str, str], Held] = {}
    for one in held:
        key = (one.service, one.resource, one.what)
        owners = one.owners or (found[key].owners if key in found else ())
        found[key] = structs.replace(one, owners=owners)
    return list(found.values())


def as_measured(lines: Iterable[Line], measured: Metered, held: Iterable[Held]) -> list[Line]:
    """Give lines the quantities that the service's own metrics tell; what calls told stays where they are silent.

    A table on demand that no call names has lines from its metrics alone.
    """
    note = "consumed capacity as CloudWatch's metrics tell"
    found = []
    for line in lines:
        units = measured.consumed.get((line.resource, line.price_id))
        if units and line.estimated:
            line = structs.replace(line, quantity=units, estimated=False, note=note)
        found.append(line)
    known = {(line.resource, line.price_id) for line in found}
    provisioned = {one.resource for one in held if one.service == "dynamodb"}
    return found + [
        Line("dynamodb", table, price_id, units, note=note)
        for (table, price_id), units in measured.consumed.items()
        if (table, price_id) not in known and table not in provisioned
    ]
