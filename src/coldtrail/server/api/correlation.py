"""Which fields are taken for correlation ids: by default, by the settings, and because they behave so."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State

from coldtrail.model.times import rfc3339
from coldtrail.server.api.service import Service, json
from coldtrail.services import rulebook
from coldtrail.services.correlation import DEFAULT_CORRELATION_FIELDS
from coldtrail.store.keys.learned import learned_fields


@get("/correlation-fields", sync_to_thread=True)
def correlation_fields(state: State) -> Response[bytes]:
    """List the fields in force; of those that were learned also from how much, and when."""
    service: Service = state.service
    learned = {kept.field.name: kept for kept in learned_fields(service.engine)}
    fields: list[dict[str, Any]] = []
    for name in rulebook().correlation_fields:
        kept = learned.get(name)
        if name in DEFAULT_CORRELATION_FIELDS:
            fields.append({"name": name, "source": "default"})
        elif kept is None:
            fields.append({"name": name, "source": "configured"})
        else:
            field = kept.field
            counts = {"confidence": field.confidence, "trails": field.trails, "values": field.values}
            fields.append({"name": name, "source": "learned", **counts, "learned": rfc3339(kept.learned_s * 10**9)})
    return json({"fields": fields})


router = Router(path="/", route_handlers=[correlation_fields], tags=["trails"])
