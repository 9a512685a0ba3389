"""Definitions as the file that `coldtrail apply` reads."""

from __future__ import annotations

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException

from coldtrail.model.documents import written
from coldtrail.state.definitions import Definitions


@get("/definitions/file", sync_to_thread=True)
def definitions_file(state: State, kind: str = "", name: str = "") -> Response[bytes]:
    """All definitions, those of a kind, or one of them, as documents of YAML."""
    kept: Definitions = state.service.definitions
    found = [one for one in kept.listed(kind) if name in ("", one.name)]
    if name and not found:
        raise NotFoundException(f'there is no {kind[:40]} "{name[:80]}"')
    body = "---\n".join(written(one.kind, one.name, one.spec) for one in found)
    called = "-".join(part for part in (kind, name) if part) if found else ""
    named = {"content-disposition": f'attachment; filename="{called or "coldtrail"}.yaml"'}
    return Response(body.encode(), media_type="application/yaml", headers=named)


router = Router(path="/", route_handlers=[definitions_file], tags=["definitions"])
