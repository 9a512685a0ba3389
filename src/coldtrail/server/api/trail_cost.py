"""What one trail cost."""

from __future__ import annotations

from decimal import Decimal

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException

from coldtrail.analysis.cost import Part, PriceBook
from coldtrail.analysis.trail_cost import trail_costs
from coldtrail.server.api.costs import component, usd_text
from coldtrail.server.api.service import Service, json
from coldtrail.server.money.billing import region_of
from coldtrail.store.costs.usage import facts


@get("/trails/{trail_id:str}/cost", sync_to_thread=True)
def trail_cost(state: State, trail_id: str) -> Response[bytes]:
    """What one trail cost, by component; capacity that is paid for by the hour is no part of it."""
    service: Service = state.service
    read = service.trails.trail(trail_id)
    if not read:
        raise NotFoundException(f'no trail, trace or node with the id "{trail_id[:100]}"')
    trail, graph = read
    told = facts(service.engine, trail.start_ns)
    region, region_told = region_of(told, service.costs)
    book = PriceBook(region, service.costs.prices)
    found = trail_costs(trail, graph.nodes.spans_of, told, book, service.costs.assumptions())
    parts = [Part(cost, cost.line.quantity, cost.usd) for cost in found]
    return json(
        {
            "trail_id": trail.trail_id,
            "currency": "USD",
            "region": region,
            "region_told": region_told,
            "total_usd": usd_text(sum((part.usd for part in parts), Decimal(0))),
            "components": [component(one, Decimal(1)) for one in sorted(parts, key=lambda one: -one.usd)],
        }
    )


router = Router(path="/", route_handlers=[trail_cost], tags=["costs"])
