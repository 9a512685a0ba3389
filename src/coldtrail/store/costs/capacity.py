"""Capacity that is paid for by the hour, and capacity that was used, as CloudWatch's metrics tell.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB Metrics and dimensions" (provisioned units only of tables that are not on
demand); AWS Lambda Developer Guide, "Types of metrics for Lambda functions" (utilization is what runs divided by what is
allocated, so what is allocated is one divided by the other); names as in the Amazon CloudWatch User Guide, "Translations
with OpenTelemetry 1.0.0 format".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.charts import Stat, series_of

PREFIX = "amazonaws.com/AWS/"
MINUTE_NS = 60 * 10**9
HOUR_NS = 3600 * 10**9
GAP_NS = 10 * MINUTE_NS
"""For so long the last value holds: some of these metrics come every five minutes only."""
MOST_STEPS = 1_500

Kept = Literal["provisioned_concurrency", "read_capacity", "write_capacity"]

_CAPACITY: tuple[tuple[Kept, str], ...] = (
    ("read_capacity", "DynamoDB/ProvisionedReadCapacityUnits"),
    ("write_capacity", "DynamoDB/ProvisionedWriteCapacityUnits"),
)
_RUNNING = "Lambda/ProvisionedConcurrentExecutions"
_UTILIZATION = "Lambda/ProvisionedConcurrencyUtilization"
_CONSUMED = {
    "dynamodb.read_units": "DynamoDB/ConsumedReadCapacityUnits",
    "dynamodb.write_units": "DynamoDB/ConsumedWriteCapacityUnits",
}
_NO_INDEX = (("GlobalSecondaryIndexName", ""),)


class Metered(Struct, frozen=True):
    """``held``: (resource, what) to unit-hours. ``consumed``: (table, price id) to capacity units."""

    held: dict[tuple[str, Kept], Decimal]
    consumed: dict[tuple[str, str], Decimal]


def metered(engine: Engine, since_ns: int, until_ns: int) -> Metered:
    """Return what the metrics of a range tell; one short query where none of them was ever received."""
    names = [PREFIX + name for name in (*(name for _, name in _CAPACITY), _RUNNING, _UTILIZATION, *_CONSUMED.values())]
    rows = engine.rows("SELECT DISTINCT name FROM metric_names WHERE name IN {names:Array(String)}", {"names": names})
    reader = _Reader(engine, frozenset(str(row[0]) for row in rows), since_ns, until_ns)
    held = {(table, what): hours for what, name in _CAPACITY for table, hours in reader.hours(name).items()}
    held |= {(function, "provisioned_concurrency"): hours for function, hours in reader.concurrency().items()}
    consumed = {
        (table, price): units for price, name in _CONSUMED.items() for table, units in reader.sums(name).items()
    }
    return Metered(held, consumed)


class _Reader:
    def __init__(self, engine: Engine, known: frozenset[str], since_ns: int, until_ns: int) -> None:
        self._engine = engine
        self._known = known
        self._since_ns, self._until_ns = since_ns, until_ns
        minutes = -(-(until_ns - since_ns) // MINUTE_NS)
        self._step_ns = -(-minutes // MOST_STEPS) * MINUTE_NS

    def _lines(self, name: str, stat: Stat, by: str) -> dict[str, list[tuple[int, float]]]:
        if PREFIX + name not in self._known:
            return {}
        filters = _NO_INDEX if by == "TableName" else ()
        chart = series_of(
            self._engine, PREFIX + name, self._since_ns, self._until_ns, self._step_ns, stat, (by,), filters
        )
        return {line.labels[by]: line.points for line in chart.series if line.labels.get(by)}

    def hours(self, name: str) -> dict[str, Decimal]:
        """Unit-hours of a capacity by table."""
        return {table: self._held(points) for table, points in self._lines(name, "avg", "TableName").items()}

    def concurrency(self) -> dict[str, Decimal]:
        """Hours of allocated environments by function."""
        running = self._lines(_RUNNING, "avg", "FunctionName")
        shares = {name: dict(points) for name, points in self._lines(_UTILIZATION, "avg", "FunctionName").items()}
        found = {}
        for name, points in running.items():
            allocated = [
                (at, round(value / share)) for at, value in points if (share := shares.get(name, {}).get(at, 0.0))
            ]
            found[name] = self._held([(at, float(count)) for at, count in allocated])
        return found

    def sums(self, name: str) -> dict[str, Decimal]:
        """Sums over the range by table."""
        lines = self._lines(name, "sum", "TableName")
        return {table: Decimal(repr(sum(value for _, value in points))) for table, points in lines.items()}

    def _held(self, points: list[tuple[int, float]]) -> Decimal:
        """Each value holds until the next, and at most for the gap."""
        whole = Decimal(0)
        for number, (at, value) in enumerate(points):
            following = points[number + 1][0] if number + 1 < len(points) else self._until_ns
            until = min(following, at + max(self._step_ns, GAP_NS), self._until_ns)
            whole += Decimal(repr(value)) * (until - at) / HOUR_NS
        return whole
