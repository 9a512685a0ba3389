"""Definitions as they are kept: one row each, in place of the one before."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from coldtrail.model.definitions import BadDefinition, Definition, read_spec
from coldtrail.state.database import Database
from coldtrail.state.tables import TABLES

Spec = TypeVar("Spec", bound=Struct)

_DEFINITIONS = sa.Table(
    "definitions",
    TABLES,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(63), primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("spec", "by", "source")),
    sa.Column("changed_ns", sa.BigInteger),
)


class Definitions:
    """The definitions of one database. ``version`` grows with each change made through this object."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self.version = 0

    def put(self, definition: Definition) -> bool:
        """Keep a definition in place of the one of its kind and name; return whether it is a new one."""
        row = structs.asdict(definition) | {"spec": msgspec.json.encode(definition.spec).decode()}
        with self._engine.begin() as connection:
            gone = connection.execute(sa.delete(_DEFINITIONS).where(*_is(definition.kind, definition.name))).rowcount
            connection.execute(sa.insert(_DEFINITIONS), [row])
        self.version += 1
        return not gone

    def get(self, kind: str, name: str) -> Definition | None:
        """Return one."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_DEFINITIONS).where(*_is(kind, name))).first()
        return _definition(row) if row else None

    def listed(self, kind: str = "") -> list[Definition]:
        """Return those of a kind, or all, by kind and name."""
        query = sa.select(_DEFINITIONS).order_by(_DEFINITIONS.c.kind, _DEFINITIONS.c.name)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(_DEFINITIONS.c.kind == kind) if kind else query)
            return [_definition(row) for row in rows]

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind, without their bodies."""
        query = sa.select(_DEFINITIONS.c.name).where(_DEFINITIONS.c.kind == kind)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def count(self, kind: str) -> int:
        """Return how many there are of a kind."""
        query = sa.select(sa.func.count()).select_from(_DEFINITIONS).where(_DEFINITIONS.c.kind == kind)
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar() or 0)

    def usable(self, kind: str, spec: type[Spec]) -> tuple[dict[str, Spec], dict[str, str]]:
        """Return the bodies of a kind by name; and by name why this release cannot use the others."""
        found: dict[str, Spec] = {}
        broken: dict[str, str] = {}
        for one in self.listed(kind):
            try:
                body = read_spec(kind, one.spec)
            except BadDefinition as error:
                broken[one.name] = str(error)
                continue
            assert isinstance(body, spec)
            found[one.name] = body
        return found, broken

    def remove(self, kind: str, name: str) -> bool:
        """Forget one; return whether there was one."""
        with self._engine.begin() as connection:
            gone = connection.execute(sa.delete(_DEFINITIONS).where(*_is(kind, name))).rowcount
        self.version += 1
        return bool(gone)


def _is(kind: str, name: str) -> tuple[Any, Any]:
    return _DEFINITIONS.c.kind == kind, _DEFINITIONS.c.name == name


def _definition(row: Any) -> Definition:
    values = dict(row._mapping)
    return Definition(**(values | {"spec": msgspec.json.decode(values["spec"])}))
