"""What one trail cost: its invocations by what they were billed, its calls by the attributes of their spans.

Capacity that is paid for by the hour belongs to no single trail and is left out, and so are log lines and free tiers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

from coldtrail.analysis.bill import Assumptions, function_lines, resource_lines
from coldtrail.analysis.cost import Cost, PriceBook, price_lines
from coldtrail.model.signals import Attributes, Span
from coldtrail.model.trails import Node, Trail
from coldtrail.services.prices import HOURS_A_MONTH
from coldtrail.store.costs.usage import Fact, Ran, Used
from coldtrail.store.resource_names import operation_of, resource_of
from coldtrail.store.schema.usage import CHUNK_BYTES, PUT_UNIT_BYTES

_CALLS = (3, 4)
_CAPACITY = re.compile(r'"CapacityUnits"\s*:\s*([0-9.]+)')
_SIZES = ("messaging.message.body.size", "messaging.message.envelope.size", "messaging.message.size")
_PARTS = {"kinesis": PUT_UNIT_BYTES, "eventbridge": CHUNK_BYTES}


def trail_costs(
    trail: Trail, spans_of: Mapping[str, list[Span]], facts: list[Fact], book: PriceBook, assumed: Assumptions
) -> list[Cost]:
    """Return the lines of one trail at the first tier's prices."""
    attempts = [ran for node in trail.nodes if (ran := _ran(node)) is not None]
    calls = [
        used for node in trail.nodes for span in spans_of.get(node.node_id, []) if (used := used_by(span)) is not None
    ]
    hours = Decimal(HOURS_A_MONTH)
    lines = [*function_lines(attempts, facts, [], hours, assumed), *resource_lines(calls, [], assumed)]
    return price_lines(lines, PriceBook(book.region, book.overrides), hours)


def _ran(node: Node) -> Ran | None:
    if node.kind != "invocation" or node.end_ns is None:
        return None
    reported = node.billed_ms is not None
    lasted_ms = math.ceil((node.end_ns - node.start_ns) / 1e6 + (node.init_ms or 0))
    billed_ms = float(node.billed_ms if node.billed_ms is not None else lasted_ms)
    return Ran(
        function=node.service,
        memory_mb=node.memory_mb,
        reported=reported,
        count=1,
        billed_ms=billed_ms,
        init_count=int(bool(node.cold_start)),
        init_billed_ms=billed_ms if node.cold_start else 0.0,
        duration_p50_ms=None,
        duration_p95_ms=None,
        memory_used_mb=node.memory_used_mb,
        last_ns=node.end_ns,
    )


def used_by(span: Span) -> Used | None:
    """Return what a call's span used of which resource; the twin of the roll-up's SQL."""
    resource = resource_of(span.attributes) if span.kind in _CALLS else None
    if resource is None or resource.kind == "stepfunctions":
        return None
    operation = operation_of(span.attributes) or span.name
    size = _number(span.attributes, *_SIZES)
    if resource.kind == "dynamodb":
        capacities = _capacities(span.attributes.get("aws.dynamodb.consumed_capacity"))
        return Used(
            resource.kind, resource.name, operation, span.resource.service, 1, sum(capacities), int(bool(capacities))
        )
    batch = max(1.0, _number(span.attributes, "messaging.batch.message_count")) if resource.kind in _PARTS else 1.0
    part = _PARTS.get(resource.kind, CHUNK_BYTES)
    units = size if resource.kind == "firehose" else batch * max(1, math.ceil(size / batch / part))
    return Used(resource.kind, resource.name, operation, span.resource.service, 1, units, int(size > 0))


def _number(attributes: Attributes, *names: str) -> float:
    found = next((attributes[name] for name in names if name in attributes), 0)
    return float(found) if isinstance(found, int | float) and 0 < found < 2**40 else 0.0


def _capacities(told: object) -> list[float]:
    """A table's capacity in each of the tables' JSON; of one that tells of its indexes too, the whole."""
    texts: Iterable[object] = told if isinstance(told, list) else [told]
    found = []
    for text in texts:
        units = (
            [float(one) for one in _CAPACITY.findall(text) if one.count(".") < 2 and one != "."]
            if isinstance(text, str)
            else []
        )
        if units:
            found.append(max(units))
    return found
