"""Definitions checked without keeping them: what is wrong with them, and what they name that there is not."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from msgspec import Meta, Struct

from coldtrail.model.definitions import BadDefinition, check_name, read_spec
from coldtrail.server.api.service import Service, json
from coldtrail.server.unknown_names import Names, names_of, warnings_of

MOST_BYTES = 16 << 20
MOST = 10_000


class Proposed(Struct, forbid_unknown_fields=True):
    """One definition that is not kept yet."""

    kind: str
    name: str
    spec: dict[str, Any]


class All(Struct, forbid_unknown_fields=True):
    """Definitions that are applied together, so that each may name the others."""

    definitions: Annotated[list[Proposed], Meta(max_length=MOST)]


@post("/definitions/check", request_max_body_size=MOST_BYTES, status_code=200)
async def check(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Check definitions without keeping them; each with its error, or with warnings."""
    try:
        given = msgspec.json.decode(await request.body(), type=All)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"these are no definitions: {error}") from None
    return await asyncio.to_thread(_answer, state.service, given)


def _answer(service: Service, given: All) -> Response[bytes]:
    names = names_of(service.definitions, [(one.kind, one.name, one.spec) for one in given.definitions])
    return json({"definitions": [_checked(service, one, names) for one in given.definitions]})


def _checked(service: Service, one: Proposed, names: Names) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": one.kind, "name": one.name, "error": None, "warnings": []}
    try:
        check_name(one.name)
        told["warnings"] = warned(service, one.name, read_spec(one.kind, one.spec), names)
    except BadDefinition as error:
        told["error"] = {**error.where, "message": str(error)}
    return told


def warned(service: Service, name: str, spec: Struct, names: Names | None = None) -> list[dict[str, str]]:
    """Return what a definition is warned of.

    Raises:
        BadDefinition: it can never be evaluated.
    """
    known = names or names_of(service.definitions)
    found = warnings_of(name, spec, known, service.telemetry, service.alerting.outside)
    return [{"path": each.path, "message": each.message} for each in found]


router = Router(path="/", route_handlers=[check], tags=["definitions"])
