"""API v1 as one ASGI application; section 7 of the design is its promise."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig

from coldtrail import __version__
from coldtrail.server.api import (
    alerts,
    as_code,
    capabilities,
    checks,
    cold_starts,
    contrast,
    correlation,
    costs,
    dashboards,
    definitions,
    deployments,
    drop,
    event_sources,
    findings,
    health,
    investigations,
    jaeger,
    limits,
    live,
    metrics,
    objectives,
    prometheus,
    red,
    resources,
    service_metrics,
    signals,
    trail_cost,
    trails,
    workflows,
)
from coldtrail.server.api import map as map_answers
from coldtrail.server.api.service import Service
from coldtrail.store.engine_errors import UNKNOWN_DATABASE, UNKNOWN_TABLE, EngineError, Unreachable

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"
STORE_AWAY = "Start the server, or correct 'store'; what is sent meanwhile waits in the log and is loaded then."
TIMEOUT_EXCEEDED = 159
TOO_MANY_ROWS = 396

ANSWERS = (
    health,
    trails,
    workflows,
    signals,
    metrics,
    red,
    capabilities,
    resources,
    map_answers,
    event_sources,
    cold_starts,
    limits,
    costs,
    trail_cost,
    deployments,
    findings,
    contrast,
    investigations,
    definitions,
    checks,
    dashboards,
    alerts,
    as_code,
    objectives,
    correlation,
    drop,
    live,
    service_metrics,
)
"""One module a capability, each with its `router`."""


def problem(status: int, title: str, detail: str, **more: Any) -> Response[bytes]:
    """Return an error as problem details. Source: RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return Response(msgspec.json.encode(body), status_code=status, media_type=PROBLEM_JSON)


def _http_problem(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    more: dict[str, Any] = {"errors": error.extra} if error.extra else {}
    return problem(error.status_code, type(error).__name__.removesuffix("Exception") or "Error", error.detail, **more)


def _engine_problem(_: Request[Any, Any, Any], error: EngineError) -> Response[bytes]:
    if error.code in (TIMEOUT_EXCEEDED, TOO_MANY_ROWS):
        return problem(503, "Query too expensive", "The query took too long: narrow the time range or the filters.")
    if isinstance(error, Unreachable) or error.code in (UNKNOWN_TABLE, UNKNOWN_DATABASE):
        return problem(503, "Store away", f"{error}. {STORE_AWAY}"[:1000])
    return problem(500, "Query failed", f"The engine refused the query (code {error.code}).")


def _unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """A fault of ours: who asked is told that it is, and the log how it came."""
    log.error("an answer failed", path=request.url.path[:500], exc_info=error)
    return problem(
        500, "Internal error", "coldtrail could not answer because of a fault of its own; its log says more."
    )


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The description of this API, for clients and generators."""
    return Response(msgspec.json.encode(request.app.openapi_schema.to_schema()), media_type="application/json")


def create_api(service: Service) -> Litestar:
    """Return the application; ``service`` is everything that its handlers read."""
    routers: list[Router] = [module.router for module in ANSWERS]
    return Litestar(
        route_handlers=[Router(path="/api/v1", route_handlers=[*routers, openapi]), jaeger.router, prometheus.router],
        state=State({"service": service}),
        openapi_config=OpenAPIConfig(
            title="coldtrail",
            version=__version__,
            description="What really happened, end to end. Times are RFC 3339 UTC, durations milliseconds, ids lower-case hex.",
        ),
        logging_config=None,
        exception_handlers={HTTPException: _http_problem, EngineError: _engine_problem, Exception: _unforeseen},
    )
