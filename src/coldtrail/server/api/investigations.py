"""Investigations: prepared from an alert, a finding, a trail or any value; with a record, notes, and an export."""

from __future__ import annotations

import secrets
import time
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta, Struct, structs

from coldtrail.analysis.investigation_report import report
from coldtrail.model.investigations import (
    LONGEST_ID,
    LONGEST_LINK,
    LONGEST_NAME,
    LONGEST_NOTE,
    LONGEST_TITLE,
    MOST_ENTRIES,
    MOST_INVESTIGATIONS,
    Began,
    Entry,
    EntryKind,
    Ground,
    Investigation,
    InvestigationState,
    Origin,
)
from coldtrail.model.times import rfc3339
from coldtrail.server.api.service import Service, json
from coldtrail.server.api.signals import cursor_of, offset_of
from coldtrail.server.api.times import FAR_NS, parse_time
from coldtrail.server.investigations.facts import facts_of
from coldtrail.server.investigations.grounds import Unknown, ground_of
from coldtrail.state.investigations import Full, Investigations, Listed

MOST = 200
MARKDOWN = "text/markdown"
MOST_BYTES = 64 << 10

Id = Annotated[str, PathParameter()]
Given = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Group = Annotated[str, Meta(max_length=512)]
By = Annotated[str, Meta(min_length=1, max_length=200)]
Named = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Screen = Annotated[str, Meta(max_length=LONGEST_LINK, pattern=r"^(/([^/\\\x00-\x20\x7f][^\\\x00-\x20\x7f]*)?)?$")]
"""A screen of this page: a path and a query, with no host to lead elsewhere."""


class Opened(Struct, forbid_unknown_fields=True):
    """What an investigation begins with. ``at``: the moment, without it when the thing was seen last; ``name``: as is usual."""

    kind: Origin
    id: Given
    group: Group = ""
    at: Annotated[str, Meta(max_length=60)] = ""
    name: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""
    by: By = "somebody"


class Changed(Struct, forbid_unknown_fields=True):
    """A new name, or a new state; None leaves it."""

    name: Named | None = None
    state: InvestigationState | None = None


class Noted(Struct, forbid_unknown_fields=True):
    """A note, or a screen that was looked at with its title."""

    kind: EntryKind
    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_NOTE)]
    link: Screen = ""
    by: By = "somebody"


@get("/investigations", sync_to_thread=True)
def investigations(
    state: State, which: Literal["open", "closed", "all"] = "all", limit: int = 50, cursor: str | None = None
) -> Response[bytes]:
    """Investigations, the open ones first, then those that changed last."""
    kept: Investigations = state.service.investigations
    start, limit = offset_of(cursor), max(1, min(limit, MOST))
    found = kept.listed("" if which == "all" else which, limit + 1, start)
    more = cursor_of(start + limit) if len(found) > limit else None
    return json({"investigations": [_row(one) for one in found[:limit]], "cursor": more})


@get("/investigations/prepared", sync_to_thread=True)
def prepared(
    state: State,
    kind: Origin,
    id: Annotated[str, QueryParameter(min_length=1, max_length=LONGEST_ID)],
    group: Annotated[str, QueryParameter(max_length=512)] = "",
    at: str = "",
) -> Response[bytes]:
    """What an investigation of this would begin with: its scope, its moment, its affected. Keeps nothing."""
    name, ground = _prepared(state.service, Began(kind, id, group), at)
    return json({"name": name, **_ground(ground)})


@post("/investigations", sync_to_thread=True, status_code=201)
def open_one(state: State, data: Opened) -> Response[bytes]:
    """Open an investigation; 200 with the one that is open already for the same thing and moment."""
    service: Service = state.service
    began = Began(data.kind, data.id, data.group)
    name, ground = _prepared(service, began, data.at)
    now_ns = time.time_ns()
    made = Investigation(
        id=secrets.token_hex(8),
        name=data.name.strip() or name or data.id[:LONGEST_NAME],
        state="open",
        began=began,
        ground=ground,
        by=data.by,
        created_ns=now_ns,
        changed_ns=now_ns,
    )
    try:
        kept, new = service.investigations.open(made)
    except Full:
        raise ClientException(
            f"there are {MOST_INVESTIGATIONS} investigations: delete some that are over first"
        ) from None
    return json(_shape(kept), 201 if new else 200)


@get("/investigations/{investigation:str}", sync_to_thread=True)
def investigation(request: Request[Any, Any, Any], state: State, investigation: Id) -> Response[bytes]:
    """One investigation with its record; as Markdown where its id ends in `.md`, or `text/markdown` is asked for."""
    service: Service = state.service
    markdown = investigation.endswith(".md") or request.headers.get("accept", "").startswith(MARKDOWN)
    one = _known(service.investigations, investigation.removesuffix(".md"))
    entries = service.investigations.entries(one.id)
    if not markdown:
        return json(_shape(one) | {"entries": [_entry(entry) for entry in entries]})
    text = report(one, entries, facts_of(service, one.ground), service.alerting.page_url())
    headers = {"content-disposition": f'attachment; filename="investigation-{one.id}.md"'}
    return Response(text.encode(), media_type=MARKDOWN, headers=headers)


@post("/investigations/{investigation:str}", sync_to_thread=True, status_code=200)
def change(state: State, investigation: Id, data: Changed) -> Response[bytes]:
    """Rename an investigation, close it, or open it again."""
    kept: Investigations = state.service.investigations
    one = _known(kept, investigation)
    name = one.name if data.name is None else data.name.strip() or one.name
    after = structs.replace(one, name=name, state=data.state or one.state, changed_ns=time.time_ns())
    kept.save(after)
    return json(_shape(after))


@delete("/investigations/{investigation:str}", sync_to_thread=True, status_code=200)
def forget(state: State, investigation: Id) -> Response[bytes]:
    """Delete an investigation with its record; answers what it was."""
    kept: Investigations = state.service.investigations
    one = _known(kept, investigation)
    kept.remove(one.id)
    return json(_shape(one))


@post(
    "/investigations/{investigation:str}/entries",
    sync_to_thread=True,
    status_code=201,
    request_max_body_size=MOST_BYTES,
)
def note(state: State, investigation: Id, data: Noted) -> Response[bytes]:
    """Append a note, or what was looked at. The screen that was looked at last is not told twice."""
    kept: Investigations = state.service.investigations
    one = _known(kept, investigation)
    if data.kind == "look" and (not data.link or len(data.text) > LONGEST_TITLE):
        raise ClientException(f"what was looked at needs a link, and a title of at most {LONGEST_TITLE} characters")
    if not data.text.strip():
        raise ClientException("text must say something")
    try:
        added = kept.add(one.id, Entry(0, data.kind, time.time_ns(), data.by, data.text, data.link))
    except Full:
        raise ClientException(f"it has {MOST_ENTRIES} entries: remove some, or open another investigation") from None
    return json(_entry(added), 201)


@delete("/investigations/{investigation:str}/entries/{entry:int}", sync_to_thread=True, status_code=200)
def forget_entry(state: State, investigation: Id, entry: Annotated[int, PathParameter()]) -> Response[bytes]:
    """Remove a note, or what was looked at, from the record."""
    kept: Investigations = state.service.investigations
    one = _known(kept, investigation)
    if not 0 < entry < 2**62 or not kept.remove_entry(one.id, entry, time.time_ns()):
        raise NotFoundException(f"it has no entry {entry}")
    return json(_shape(one) | {"entries": [_entry(left) for left in kept.entries(one.id)]})


def _prepared(service: Service, began: Began, at: str) -> tuple[str, Ground]:
    at_ns = parse_time(at, "at") if at else None
    if at_ns is not None and not 0 < at_ns < FAR_NS:
        raise ClientException(f'at is out of range: "{at[:60]}"')
    try:
        return ground_of(service, began, at_ns)
    except Unknown as error:
        raise NotFoundException(str(error)) from None


def _known(kept: Investigations, id_: str) -> Investigation:
    found = kept.of(id_)
    if not found:
        raise NotFoundException(f'there is no investigation "{id_[:40]}"')
    return found


def _row(one: Listed) -> dict[str, Any]:
    return _shape(one.investigation) | {"note_count": one.note_count, "look_count": one.look_count}


def _shape(one: Investigation) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        "began": msgspec.to_builtins(one.began),
        **_ground(one.ground),
        "by": one.by,
        "created": rfc3339(one.created_ns),
        "changed": rfc3339(one.changed_ns),
    }


def _ground(one: Ground) -> dict[str, Any]:
    return {
        "symptom": one.symptom,
        "scopes": one.scopes,
        "workflow": one.workflow,
        "trail_ids": one.trails,
        "bad": one.bad,
        "slower_than_ms": one.slow_ms,
        "at": rfc3339(one.at_ns),
        "since": rfc3339(one.since_ns),
        "until": rfc3339(one.until_ns),
    }


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "time": rfc3339(one.time_ns),
        "by": one.by,
        "text": one.text,
        "link": one.link,
    }


router = Router(
    path="/",
    route_handlers=[investigations, prepared, open_one, investigation, change, forget, note, forget_entry],
    tags=["investigations"],
)
