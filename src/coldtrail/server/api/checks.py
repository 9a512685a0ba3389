"""Definitions checked without keeping them: what is wrong with them, and what they name that there is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Annotated, Any, get_args

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from msgspec import Meta, Struct

from coldtrail.model.alerts import Alert
from coldtrail.model.definitions import BadDefinition, check_name, read_spec
from coldtrail.model.documents import written
from coldtrail.model.findings import FindingKind
from coldtrail.server.alerts.unknown_names import Names, Telemetry, names_of, warnings_of
from coldtrail.server.api.service import Service, json
from coldtrail.store.names_seen import Of

MOST_BYTES = 16 << 20
MOST = 10_000
MOST_NAMES = 2_000
LISTED_S = 60.0
"""The list of alerts is asked for every few seconds; a week's names are read for it so often."""


class Proposed(Struct, forbid_unknown_fields=True):
    """One definition that is not kept yet."""

    kind: str
    name: str
    spec: dict[str, Any]


class All(Struct, forbid_unknown_fields=True):
    """Definitions that are applied together, so that each may name the others. ``text``: answer them as YAML as well."""

    definitions: Annotated[list[Proposed], Meta(max_length=MOST)]
    text: bool = False


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
    found = [_checked(service, one, names) for one in given.definitions]
    if given.text:
        found = [told | {"text": _text(one)} for told, one in zip(found, given.definitions, strict=True)]
    return json({"definitions": found})


@get("/definitions/names", sync_to_thread=True)
def known_names(state: State) -> Response[bytes]:
    """What a definition can name: other definitions, and what was received in the last week; some thousands of each."""
    service: Service = state.service
    known, telemetry = names_of(service.definitions), service.telemetry
    return json(
        {
            "alert": sorted(known.alerts),
            "objective": sorted(known.objectives),
            "workflow": sorted(known.workflows),
            "way": sorted(known.routes),
            "finding_kind": sorted(get_args(FindingKind)),
            **{of: sorted(telemetry.names(of))[:MOST_NAMES] for of in get_args(Of)},
            "metric": sorted(telemetry.metrics())[:MOST_NAMES],
        }
    )


def _text(one: Proposed) -> str:
    try:
        return written(one.kind, one.name, one.spec)
    except RecursionError:
        return ""


def _checked(service: Service, one: Proposed, names: Names) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": one.kind, "name": one.name, "error": None, "warnings": []}
    try:
        check_name(one.name)
        told["warnings"] = warned(service, one.name, read_spec(one.kind, one.spec), names)
    except BadDefinition as error:
        told["error"] = {**error.where, "message": str(error)}
    return told


def warned(
    service: Service, name: str, spec: Struct, names: Names | None = None, telemetry: Telemetry | None = None
) -> list[dict[str, str]]:
    """Return what a definition is warned of.

    Raises:
        BadDefinition: it can never be evaluated.
    """
    known = names or names_of(service.definitions)
    found = warnings_of(name, spec, known, telemetry or service.telemetry, service.alerting.outside)
    return [{"path": each.path, "message": each.message} for each in found]


def warned_of_alerts(service: Service, alerts: Mapping[str, Alert]) -> dict[str, list[dict[str, str]]]:
    """Return what alerts that somebody defined are warned of, those that are by their names.

    That no route is a default one is left out: it is said once of all.
    """
    mine, names = frozenset(service.definitions.names("alert")), names_of(service.definitions)
    telemetry = service.telemetry.held(LISTED_S)
    found: dict[str, list[dict[str, str]]] = {}
    for name, one in alerts.items():
        if name in mine and one.enabled:
            with contextlib.suppress(BadDefinition):  # it is told why it fails
                if some := [
                    each for each in warned(service, name, one, names, telemetry) if each["path"] != "$.routes"
                ]:
                    found[name] = some
    return found


router = Router(path="/", route_handlers=[check, known_names], tags=["definitions"])
