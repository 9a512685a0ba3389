"""Workflows: how their trails came out, one in depth, those that trails suggest, and a text read as one."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import PathParameter
from msgspec import Struct, to_builtins

from coldtrail.model.definitions import BadDefinition, check_name, read_spec
from coldtrail.model.documents import BadDocument, Document, read_text, written
from coldtrail.model.durations import duration_ns
from coldtrail.model.times import rfc3339
from coldtrail.model.workflows import Match, Workflow
from coldtrail.server.api.red import HOUR_NS, time_range
from coldtrail.server.api.service import Service, json
from coldtrail.server.api.times import parse_step
from coldtrail.server.outcomes.proposals import proposals as read_proposals
from coldtrail.store.engine import Engine
from coldtrail.store.outcomes.figures import (
    Affected,
    Figures,
    StepCount,
    affected,
    by_minute,
    figures,
    reconciled,
    step_counts,
)
from coldtrail.trails.workflows.proposals import Proposal, Usual

MOST_TEXT_BYTES = 256 << 10
AFFECTED_EACH = 10
NOTHING = Figures({}, None, None)


@get("/workflows", sync_to_thread=True)
def workflows(state: State, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """Every workflow with its trails by outcome over a range, how long they took, and what is reconciled."""
    service: Service = state.service
    since_ns, until_ns = time_range(since, until)
    found = figures(service.engine, since_ns, until_ns)
    known = sorted(service.outcomes.workflows.items())
    rows = [_summed(service.engine, name, one, found.get(name, NOTHING), since_ns, until_ns) for name, one in known]
    return json({"since": rfc3339(since_ns), "until": rfc3339(until_ns), "workflows": rows})


@get("/workflows/proposals", sync_to_thread=True)
def proposals(state: State, since: str | None = None, until: str | None = None, service: str = "") -> Response[bytes]:
    """Workflows that the trails of a range suggest, with their usual steps and times; none whose origin is defined already.

    ``service``: only of trails that begin in it; the most usual origins of all otherwise.
    """
    running: Service = state.service
    since_ns, until_ns = time_range(since, until, 24 * HOUR_NS)
    found = read_proposals(running.engine, running.trails, running.outcomes.workflows, since_ns, until_ns, service)
    return json({"proposals": [_proposal(one) for one in found]})


@get("/workflows/{name:str}", sync_to_thread=True)
def workflow(
    state: State,
    name: Annotated[str, PathParameter()],
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
) -> Response[bytes]:
    """One workflow: trails by outcome over time, what became of its steps, and the newest trails of each outcome."""
    service: Service = state.service
    one = service.outcomes.workflows.get(name)
    if one is None:
        raise NotFoundException(f'there is no workflow "{name[:80]}"')
    since_ns, until_ns = time_range(since, until)
    step_ns = max(parse_step(step, since_ns, until_ns), 60 * 10**9)
    engine = service.engine
    found = figures(engine, since_ns, until_ns).get(name, NOTHING)
    steps = step_counts(engine, name, since_ns, until_ns)
    spec = to_builtins(one)
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            **_summed(engine, name, one, found, since_ns, until_ns),
            "description": one.description,
            "spec": spec,
            "text": written("workflow", name, spec),
            "points": [
                {"time": rfc3339(at), "outcomes": counts}
                for at, counts in by_minute(engine, name, since_ns, until_ns, step_ns).items()
            ],
            "steps": [_step(each.name, one, steps.get(each.name)) for each in one.steps],
            "missing": _missing(steps),
            "trails": [_affected(each) for each in affected(engine, name, since_ns, until_ns, AFFECTED_EACH)],
        }
    )


class Text(Struct, forbid_unknown_fields=True):
    """A workflow as a document of YAML."""

    text: str


@post("/workflows/read", request_max_body_size=MOST_TEXT_BYTES, status_code=200)
async def read(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Read a document without keeping it: its name and spec, or what is wrong and in which line."""
    try:
        given = msgspec.json.decode(await request.body(), type=Text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"this is no text: {error}") from None
    try:
        documents = read_text(given.text, "the text")
    except BadDocument as error:
        return json({"name": None, "spec": None, "errors": [{"line": _line_in(str(error)), "message": str(error)}]})
    if len(documents) != 1:
        message = f"there must be one document, there are {len(documents)}"
        return json({"name": None, "spec": None, "errors": [{"line": 1, "message": message}]})
    return json(_read(documents[0]))


def _read(document: Document) -> dict[str, Any]:
    try:
        if document.kind != "workflow":
            raise BadDefinition(f'the kind must be workflow, it is "{document.kind[:40]}"', "$.kind")
        check_name(document.name)
        read_spec("workflow", document.spec)
    except BadDefinition as error:
        wrong = {"line": document.line_of(error.path), "path": error.path, "message": str(error)}
        return {"name": document.name, "spec": None, "errors": [wrong]}
    return {"name": document.name, "spec": document.spec, "errors": []}


def _line_in(message: str) -> int:
    """The line that an error about a text names."""
    digits = message.partition(" line ")[2].partition(":")[0]
    return int(digits) if digits.isdecimal() else 1


def _summed(engine: Engine, name: str, one: Workflow, found: Figures, since_ns: int, until_ns: int) -> dict[str, Any]:
    return {
        "name": name,
        "title": one.title or name,
        "owner": one.owner,
        "origin": _match(one.origin),
        "within": one.within,
        "final": one.last,
        "trail_count": sum(found.counts.values()),
        "outcomes": found.counts,
        "p50_ms": found.p50_ms,
        "p95_ms": found.p95_ms,
        "reconciled": [
            _reconciled(engine, name, one, index, since_ns, until_ns) for index in range(len(one.reconcile))
        ],
    }


def _reconciled(engine: Engine, name: str, one: Workflow, index: int, since_ns: int, until_ns: int) -> dict[str, Any]:
    rule = one.reconcile[index]
    within_ns = duration_ns(rule.within)
    found = reconciled(engine, name, rule.every, rule.has, within_ns, since_ns, until_ns, time.time_ns())
    decided = found.every_count - found.waiting_count
    return {
        "every": rule.every,
        "has": rule.has,
        "within": rule.within,
        "count": decided,
        "kept_count": found.kept_count,
        "waiting_count": found.waiting_count,
        "words": f'every "{rule.every}" has "{rule.has}" within {rule.within}: {found.kept_count:,} of {decided:,}',
    }


def _match(match: Match) -> dict[str, Any]:
    return {"kind": match.kind, "service": match.service, "name": match.name, "attributes": match.attributes}


def _step(name: str, one: Workflow, found: StepCount | None) -> dict[str, Any]:
    step = next(each for each in one.steps if each.name == name)
    states = found.states if found else {}
    return {
        "name": name,
        "required": step.needed,
        "forbidden": step.forbidden,
        "within": step.within or one.within,
        "match": _match(step.match),
        "states": states,
        "reached_count": sum(states.get(state, 0) for state in ("done", "late", "duplicated", "out_of_order", "wrong")),
        "p50_ms": found.p50_ms if found else None,
        "p99_ms": found.p99_ms if found else None,
    }


def _missing(steps: dict[str, StepCount]) -> list[dict[str, Any]]:
    """Steps that trails wait for in vain, that of most trails first."""
    counts = [(one.states.get("missing", 0) + one.states.get("failed", 0), name) for name, one in steps.items()]
    return [
        {"step": name, "count": count} for count, name in sorted(counts, key=lambda pair: (-pair[0], pair[1])) if count
    ]


def _affected(one: Affected) -> dict[str, Any]:
    return {
        "trail_id": one.trail_id,
        "start": rfc3339(one.start_ns),
        "status": one.status,
        "step": one.step or None,
        "stopped_service": one.stopped_service or None,
        "key": one.key,
        "words": one.words,
        "took_ms": one.took_ms,
    }


def _proposal(one: Proposal) -> dict[str, Any]:
    spec = to_builtins(one.workflow)
    return {
        "name": one.name,
        "origin": {"kind": one.origin.kind, "service": one.origin.service, "name": one.origin.name},
        "trail_count": one.trail_count,
        "steps": [_usual(step) for step in one.usual],
        "spec": spec,
        "text": written("workflow", one.name, spec),
    }


def _usual(one: Usual) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.shape.kind,
        "service": one.shape.service,
        "share": one.share,
        "least_times": one.least_times,
        "most_times": one.most_times,
        "p50_ms": one.p50_ms,
        "p99_ms": one.p99_ms,
    }


router = Router(path="/", route_handlers=[workflows, proposals, workflow, read], tags=["workflows"])
