"""Jaeger's query API over HTTP, for Grafana's Jaeger data source and whatever else reads traces from a Jaeger.

It is below `/jaeger/api` on the page's port; a client is given `http://host:4319/jaeger` as Jaeger's address.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from coldtrail.model.copies import distinct_spans
from coldtrail.model.signals import Span
from coldtrail.server.api import jaeger_shapes as shapes
from coldtrail.server.api.jaeger_query import MOST_TRACES, dependencies_of, search_of, trace_id_of
from coldtrail.server.api.service import Service, json
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.service_map import carried, hops
from coldtrail.store.trails.search import find_traces, operations, services

MOST_SPANS = 100_000
"""In one answer; a search that would have more gives the newest traces."""

AnyRequest = Request[Any, Any, Any]


def _asked(request: AnyRequest) -> dict[str, list[str]]:
    return dict(request.query_params.dict())


@get("/services", sync_to_thread=True)
def list_services(state: State) -> Response[bytes]:
    """Every service that has spans."""
    found = services(state.service.engine)
    return json(shapes.envelope(found, total=len(found)))


@get("/services/{asked:path}", sync_to_thread=True)
def operation_names(state: State, asked: str) -> Response[bytes]:
    """The names of a service's spans: `/services/{service}/operations`; a service's name may hold slashes."""
    service, slash, rest = asked.lstrip("/").rpartition("/")
    if not slash or rest != "operations":
        return json(shapes.failure(404, "there is /services and /services/{service}/operations"), 404)
    found = sorted({name for name, _ in operations(state.service.engine, service)})
    return json(shapes.envelope(found, total=len(found)))


@get("/operations", sync_to_thread=True)
def list_operations(state: State, request: AnyRequest) -> Response[bytes]:
    """The names and kinds of a service's spans; `spanKind` narrows."""
    asked = _asked(request)
    service, wanted = (asked.get(name, [""])[0] for name in ("service", "spanKind"))
    if not service:
        return json(shapes.failure(400, "parameter 'service' is required"), 400)
    found = [
        {"name": name, "spanKind": shapes.KINDS[kind]}
        for name, kind in operations(state.service.engine, service)
        if kind < len(shapes.KINDS) and wanted in ("", shapes.KINDS[kind])
    ]
    return json(shapes.envelope(found, total=len(found)))


@get("/traces", sync_to_thread=True)
def search(state: State, request: AnyRequest) -> Response[bytes]:
    """Traces by their ids (`traceID`), or the newest that have a span of what is asked."""
    asked = _asked(request)
    if "traceID" in asked:
        ids = [trace_id_of(one) for one in asked["traceID"][:MOST_TRACES]]
        found = _traces(state.service, ids)
        missing = [one for one in ids if one not in found]
        errors = [{"msg": "trace not found", "traceID": one} for one in missing]
    else:
        ids = find_traces(state.service.engine, search_of(asked))
        found, errors = _traces(state.service, ids), []
    data = [shapes.trace(one, found[one]) for one in dict.fromkeys(ids) if one in found]
    return json(shapes.envelope(data, errors=errors or None))


@get("/traces/{trace_id:str}", sync_to_thread=True)
def trace(state: State, trace_id: str) -> Response[bytes]:
    """One trace."""
    wanted = trace_id_of(trace_id)
    found = _traces(state.service, [wanted])
    if wanted not in found:
        return json(shapes.failure(404, "trace not found"), 404)
    return json(shapes.envelope([shapes.trace(wanted, found[wanted])]))


@get("/dependencies", sync_to_thread=True)
def dependencies(state: State, request: AnyRequest) -> Response[bytes]:
    """Which services called which, directly or by messages, and how often."""
    asked = _asked(request)
    since_ns, until_ns = dependencies_of(asked)
    counts: Counter[tuple[str, str]] = Counter()
    called, scale = hops(state.service.engine, since_ns, until_ns)
    for hop in called:
        counts[hop.caller, hop.callee] += round(hop.count * scale)
    messages, scale = carried(state.service.engine, since_ns, until_ns)
    for one in messages:
        counts[one.sender, one.taker] += round(one.count * scale)
    service = asked.get("service", [""])[0]
    found = [
        {"parent": parent, "child": child, "callCount": count}
        for (parent, child), count in sorted(counts.items())
        if parent and child and parent != child and service in ("", parent, child)
    ]
    return json(shapes.envelope(found))


def _traces(service: Service, trace_ids: list[str]) -> dict[str, list[Span]]:
    """Return the spans of traces, each once."""
    found: dict[str, list[Span]] = {}
    for span in distinct_spans(service.signals.spans_of(set(trace_ids), MOST_SPANS)):
        found.setdefault(span.trace_id, []).append(span)
    return found


def _refused(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    return json(shapes.failure(error.status_code, error.detail), error.status_code)


def _failed(_: AnyRequest, error: EngineError) -> Response[bytes]:
    return json(shapes.failure(503, f"the store did not answer (code {error.code})"), 503)


router = Router(
    path="/jaeger/api",
    route_handlers=[list_services, operation_names, list_operations, search, trace, dependencies],
    include_in_schema=False,
    exception_handlers={HTTPException: _refused, EngineError: _failed},
)
"""Not part of API v1, so not in its description: Jaeger's is its description."""
