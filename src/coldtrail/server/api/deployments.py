"""Deployments: announced by pipelines, seen in telemetry; and the figures of DORA from them."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from msgspec import Meta, Struct
from pydantic import ValidationError

from coldtrail.analysis.dora import DEFINITIONS, SOURCE, Landed, clearly_worse, figures
from coldtrail.analysis.rollouts import Rollout, rollouts
from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import Service, json
from coldtrail.server.api.times import parse_time
from coldtrail.server.settings.costs import Configuration
from coldtrail.state.deployments import Deployment, Status
from coldtrail.store.functions.versions import health, services_like, versions

MOST_BYTES = 1 << 20
MOST = 500
MONTH_NS = 30 * 86_400 * 10**9
HOUR_NS = 3600 * 10**9
MINUTE_NS = 60 * 10**9
MOST_JUDGED = 60
"""Of so many of the newest deployments the error rate is looked at; older ones have their announced status alone."""

Word = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=2_000)]


class Announced(Struct, forbid_unknown_fields=True):
    """What a pipeline says. Times as everywhere in the API; ``time``: now, unless told otherwise."""

    application: Word
    version: Word
    environment: Word = "production"
    status: Status = "succeeded"
    id: Annotated[str, Meta(max_length=64)] = ""
    commit: Text = ""
    committed_at: str = ""
    time: str = ""
    restored_at: str = ""
    url: Text = ""
    services: Annotated[list[Word], Meta(max_length=1_000)] = []
    unplanned: bool = False
    configuration: dict[str, Any] = {}


@post("/deployments", status_code=201, request_max_body_size=MOST_BYTES)
async def announce(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Tell of a deployment; one with a known ``id`` is changed (started, then succeeded or failed). 201 where it is new."""
    service: Service = state.service
    try:
        told = msgspec.json.decode(await request.body(), type=Announced)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"this is no deployment: {error}") from None
    known = service.deployments.of(told.id) if told.id else None
    deployment = _deployment(told, known)
    new = service.deployments.save(deployment)
    return json(_shown(deployment, ""), 201 if new else 200)


def _deployment(told: Announced, known: Deployment | None) -> Deployment:
    try:
        Configuration.model_validate(told.configuration)
    except ValidationError as error:
        first = error.errors()[0]
        raise ClientException(f"configuration.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return Deployment(
        id=told.id or uuid.uuid4().hex,
        application=told.application,
        version=told.version,
        environment=told.environment,
        status=told.status,
        commit=told.commit or (known.commit if known else ""),
        url=told.url or (known.url if known else ""),
        services=tuple(told.services) or (known.services if known else ()),
        configuration=told.configuration or (known.configuration if known else {}),
        unplanned=told.unplanned or bool(known and known.unplanned),
        time_ns=_time(told.time, "time") or (known.time_ns if known else time.time_ns()),
        committed_ns=_time(told.committed_at, "committed_at") or (known.committed_ns if known else None),
        restored_ns=_time(told.restored_at, "restored_at") or (known.restored_ns if known else None),
    )


def _time(text: str, name: str) -> int | None:
    if not text:
        return None
    found = parse_time(text, name)
    if not 0 < found < 2**62:
        raise ClientException(f'{name} is out of range: "{text[:60]}"')
    return found


@get("/deployments", sync_to_thread=True)
def deployments(
    state: State,
    since: str | None = None,
    until: str | None = None,
    application: str = "",
    environment: str = "",
    limit: int = 100,
    cursor: str | None = None,
) -> Response[bytes]:
    """Deployments of a range (30 days without one), newest first, versions that telemetry began to name, and DORA's figures."""
    service: Service = state.service
    since_ns, until_ns = time_range(since, until, MONTH_NS)
    limit = max(1, min(limit, MOST))
    listed = service.deployments.listed(since_ns, until_ns, application, environment, _before(cursor), limit)
    every = service.deployments.listed(since_ns, until_ns, application, environment)
    failed = _failures(service, every)
    seen = [] if application or environment else _seen(service, since_ns, until_ns)
    more = None
    if len(listed) == limit:
        more = base64.urlsafe_b64encode(f"{listed[-1].time_ns} {listed[-1].id}".encode()).decode()
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "deployments": [_shown(one, failed.get(one.id, "")) for one in listed],
            "seen": [_rollout(one) for one in seen[:MOST]],
            "dora": _dora(every, failed, until_ns - since_ns),
            "definitions": DEFINITIONS,
            "definitions_source": SOURCE,
            "cursor": more,
        }
    )


def _seen(service: Service, since_ns: int, until_ns: int) -> list[Rollout]:
    return rollouts(versions(service.engine), since_ns // 10**9, -(-until_ns // 10**9))


def _before(cursor: str | None) -> tuple[int, str] | None:
    if not cursor:
        return None
    try:
        at_ns, _, id_ = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        return int(at_ns), id_
    except (ValueError, UnicodeDecodeError):
        raise ClientException("cursor must be one that an earlier answer gave") from None


def _shown(one: Deployment, failed: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "application": one.application,
        "version": one.version,
        "environment": one.environment,
        "status": one.status,
        "failed": failed or None,
        "commit": one.commit or None,
        "url": one.url or None,
        "services": list(one.services),
        "unplanned": one.unplanned,
        "time": rfc3339(one.time_ns),
        "committed_at": rfc3339(one.committed_ns) if one.committed_ns else None,
        "restored_at": rfc3339(one.restored_ns) if one.restored_ns else None,
        "configuration": one.configuration,
    }


def _failures(service: Service, found: Iterable[Deployment]) -> dict[str, str]:
    """Why deployments are held to have failed, by id."""
    failed: dict[str, str] = {}
    for number, one in enumerate(found):
        if one.status in ("failed", "rolled_back"):
            failed[one.id] = f"announced as {one.status.replace('_', ' ')}"
        elif one.status == "succeeded" and number < MOST_JUDGED and (why := _error_rate_rose(service, one)):
            failed[one.id] = why
    return failed


def _error_rate_rose(service: Service, one: Deployment) -> str:
    """Compare the hour after with the hour before."""
    minute_ns = one.time_ns // MINUTE_NS * MINUTE_NS
    services = list(one.services) or services_like(service.engine, one.application, minute_ns - HOUR_NS)
    if not services:
        return ""
    before = health(service.engine, services, minute_ns - HOUR_NS, minute_ns)
    after = health(service.engine, services, minute_ns + MINUTE_NS, minute_ns + HOUR_NS + MINUTE_NS)
    if not clearly_worse(before.count, before.error_count, after.count, after.error_count):
        return ""
    was, is_ = before.error_count / before.count, after.error_count / after.count
    return f"the error rate of its services rose from {was:.1%} to {is_:.1%} in the hour after it"


def _dora(found: list[Deployment], failed: dict[str, str], range_ns: int) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[Deployment]] = {}
    for one in found:
        if one.status != "started":
            groups.setdefault((one.application, one.environment), []).append(one)
    answers = []
    for (application, environment), mine in sorted(groups.items()):
        landed = [
            Landed(one.time_ns, failed.get(one.id, ""), one.committed_ns, one.restored_ns, one.unplanned)
            for one in mine
        ]
        figure = figures(landed, range_ns)
        answers.append(
            {"application": application, "environment": environment}
            | {name: getattr(figure, name) for name in figure.__struct_fields__}
        )
    return answers


def _rollout(one: Rollout) -> dict[str, Any]:
    return {
        "time": rfc3339(one.first_s * 10**9),
        "version": one.version,
        "previous": one.previous,
        "attribute": one.attribute,
        "services": one.services,
    }


router = Router(path="/", route_handlers=[announce, deployments], tags=["deployments"])
