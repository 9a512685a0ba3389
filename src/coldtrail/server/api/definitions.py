"""Definitions of every kind: read, checked and kept, changed, removed."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, put
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import PathParameter
from msgspec import Meta, Struct

from coldtrail.model.definitions import SPECS, BadDefinition, Definition, check_name, read_spec
from coldtrail.model.times import rfc3339
from coldtrail.server.api.checks import warned
from coldtrail.server.api.service import Service, json
from coldtrail.state.definitions import Definitions

MOST_BYTES = 256 << 10
MOST_OF_A_KIND = 5_000

Kind = Annotated[str, PathParameter()]
Name = Annotated[str, PathParameter()]


class Given(Struct, forbid_unknown_fields=True):
    """The body of a definition, who gives it, and where it comes from: a file's name, or `page`."""

    spec: dict[str, Any]
    by: Annotated[str, Meta(min_length=1, max_length=200)] = "somebody"
    source: Annotated[str, Meta(max_length=500)] = "api"


@get("/definitions", sync_to_thread=True)
def definitions(state: State, kind: str = "") -> Response[bytes]:
    """All definitions, or those of a kind, by kind and name."""
    kept: Definitions = state.service.definitions
    return json({"kinds": sorted(SPECS), "definitions": [shape(one) for one in kept.listed(kind)]})


@get("/definitions/{kind:str}/{name:str}", sync_to_thread=True)
def definition(state: State, kind: Kind, name: Name) -> Response[bytes]:
    """One definition."""
    return json(shape(_known(state.service.definitions, kind, name)))


@put("/definitions/{kind:str}/{name:str}", request_max_body_size=MOST_BYTES)
async def define(request: Request[Any, Any, Any], state: State, kind: Kind, name: Name) -> Response[bytes]:
    """Keep a definition in place of the one before; 201 where it is new, 400 with the field where it cannot be used.

    What it names that there is not is no error, but told in `warnings`.
    """
    try:
        given = msgspec.json.decode(await request.body(), type=Given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"this is no definition: {error}") from None
    try:
        return await asyncio.to_thread(_defined, state.service, kind, name, given)
    except BadDefinition as error:
        raise ClientException(str(error), extra=error.where) from None


def _defined(service: Service, kind: str, name: str, given: Given) -> Response[bytes]:
    check_name(name)
    warnings = warned(service, name, read_spec(kind, given.spec))
    made = Definition(kind, name, given.spec, given.by, given.source, time.time_ns())
    new = _keep(service.definitions, made)
    return json({**shape(made), "warnings": warnings}, 201 if new else 200)


def _keep(kept: Definitions, made: Definition) -> bool:
    if kept.count(made.kind) >= MOST_OF_A_KIND and not kept.get(made.kind, made.name):
        raise ClientException(f"there are {MOST_OF_A_KIND} definitions of this kind already: remove some first")
    return kept.put(made)


@delete("/definitions/{kind:str}/{name:str}", sync_to_thread=True, status_code=200)
def forget(state: State, kind: Kind, name: Name) -> Response[bytes]:
    """Remove a definition; answers what it was."""
    kept: Definitions = state.service.definitions
    known = _known(kept, kind, name)
    kept.remove(kind, name)
    return json(shape(known))


def shape(one: Definition) -> dict[str, Any]:
    """Return a definition as the API tells it."""
    return {
        "kind": one.kind,
        "name": one.name,
        "spec": one.spec,
        "by": one.by,
        "source": one.source,
        "changed": rfc3339(one.changed_ns),
    }


def _known(kept: Definitions, kind: str, name: str) -> Definition:
    found = kept.get(kind, name)
    if not found:
        raise NotFoundException(f'there is no {kind[:40]} "{name[:80]}"')
    return found


router = Router(path="/", route_handlers=[definitions, definition, define, forget], tags=["definitions"])
