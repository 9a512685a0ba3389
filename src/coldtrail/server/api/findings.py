"""Findings: what is wrong, since when and how often; and what people decide about it."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import PathParameter
from msgspec import Struct

from coldtrail.model.findings import Finding, FindingKind, Severity
from coldtrail.model.findings import State as FindingState
from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import json
from coldtrail.server.api.signals import cursor_of, offset_of
from coldtrail.server.api.times import parse_time
from coldtrail.state.findings import Findings, Wanted
from coldtrail.watch.findings import awake, decided

DAY_NS = 86_400 * 10**9
MOST = 200
STATES: dict[str, tuple[str, ...]] = {
    "current": ("open", "acknowledged"),
    "all": (),
    "open": ("open",),
    "acknowledged": ("acknowledged",),
    "resolved": ("resolved",),
    "muted": ("muted",),
}


class Decision(Struct, forbid_unknown_fields=True):
    """What somebody decides about a finding. ``until`` (RFC 3339) ends a mute; without it, it lasts."""

    state: FindingState
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "somebody"
    note: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    until: str | None = None


@get("/findings", sync_to_thread=True)
def findings(
    state: State,
    which: Literal["current", "all", "open", "acknowledged", "resolved", "muted"] = "current",
    severity: Severity | None = None,
    kind: FindingKind | None = None,
    about: str = "",
    since: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Response[bytes]:
    """What is wrong, the most severe first, then what was seen last; ``about`` is a function, queue or what else one is about;
    ``since``: seen at or after that time."""
    kept: Findings = state.service.findings
    wanted = Wanted(
        states=STATES[which],
        severities=(severity,) if severity else (),
        kind=kind or "",
        scope=about,
        since_ns=parse_time(since, "since") if since else 0,
    )
    start, limit = offset_of(cursor), max(1, min(limit, MOST))
    found = kept.listed(wanted, limit + 1, start)
    more = cursor_of(start + limit) if len(found) > limit else None
    return json({"counts": kept.counts(wanted), "findings": [_shape(one) for one in found[:limit]], "cursor": more})


@get("/findings/{fingerprint:str}", sync_to_thread=True)
def finding(
    state: State, fingerprint: Annotated[str, PathParameter()], since: str | None = None, until: str | None = None
) -> Response[bytes]:
    """One finding: how often in which minute, the trails that show it, and what was done about it."""
    kept: Findings = state.service.findings
    found = _known(kept, fingerprint)
    since_ns, until_ns = time_range(since, until, DAY_NS)
    minutes = kept.minutes(fingerprint, since_ns // 10**9, until_ns // 10**9)
    trails = state.service.trails.trails_of(found.units, most_live=len(found.units))
    return json(
        {
            **_shape(found),
            "detail": found.detail,
            "evidence": found.evidence,
            "trail_ids": list(dict.fromkeys(trail for unit in found.units for trail in trails[unit])),
            "points": [{"time": rfc3339(minute * 10**9), "count": count} for minute, count in minutes],
            "history": [
                {"time": rfc3339(one.time_ns), "what": one.what, "by": one.by, "note": one.note}
                for one in kept.history(fingerprint)
            ],
        }
    )


@post("/findings/{fingerprint:str}", sync_to_thread=True, status_code=200)
def decide(state: State, fingerprint: Annotated[str, PathParameter()], data: Decision) -> Response[bytes]:
    """Put a finding into a state: acknowledged, resolved, muted, or open again."""
    kept: Findings = state.service.findings
    until_ns = parse_time(data.until, "until") if data.until else 0
    if until_ns and data.state != "muted":
        raise ClientException('"until" goes with the state "muted" only')
    after, change = decided(
        _known(kept, fingerprint), data.state, data.by, time.time_ns(), note=data.note, until_ns=until_ns
    )
    kept.save([after], {}, [(fingerprint, change)])
    return json(_shape(after))


def _known(kept: Findings, fingerprint: str) -> Finding:
    found = kept.of([fingerprint]).get(fingerprint)
    if not found:
        raise NotFoundException(f'there is no finding "{fingerprint[:40]}"')
    return found


def _shape(one: Finding) -> dict[str, Any]:
    now = awake(one, time.time_ns())
    return {
        "finding_id": now.fingerprint,
        "kind": now.kind,
        "scope": now.scope,
        "title": now.title,
        "severity": now.severity,
        "state": now.state,
        "regressed": now.regressed,
        "muted_until": rfc3339(now.muted_until_ns) if now.muted_until_ns else None,
        "advice": now.advice,
        "count": now.count,
        "first_seen": rfc3339(now.first_ns),
        "last_seen": rfc3339(now.last_ns),
        "follows": now.follows or None,
    }


router = Router(path="/", route_handlers=[findings, finding, decide], tags=["findings"])
