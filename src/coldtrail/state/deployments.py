"""Deployments as they were announced: one row each, changed by a later announcement with the same id."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from coldtrail.state.database import Database
from coldtrail.state.tables import TABLES

Status = Literal["started", "succeeded", "failed", "rolled_back"]
STATUSES: tuple[str, ...] = get_args(Status)

_DEPLOYMENTS = sa.Table(
    "deployments",
    TABLES,
    sa.Column("id", sa.String(64), primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("application", "version", "environment", "status")),
    *(sa.Column(name, sa.Text) for name in ("commit", "url", "services", "configuration")),
    sa.Column("unplanned", sa.Boolean),
    *(sa.Column(name, sa.BigInteger) for name in ("time_ns", "committed_ns", "restored_ns")),
)

_JSON = ("services", "configuration")
MOST = 1_000


class Deployment(Struct, frozen=True):
    """One deployment. Times are Unix nanoseconds; ``time_ns`` is when it ran in its environment.

    ``services``: what it deployed, as telemetry names them; () where the pipeline did not say. ``configuration``: capacity
    from then on, as in the section `costs` of the settings. ``unplanned``: made because of an incident.
    """

    id: str
    application: str
    version: str
    environment: str
    status: Status
    commit: str
    url: str
    services: tuple[str, ...]
    configuration: dict[str, Any]
    unplanned: bool
    time_ns: int
    committed_ns: int | None
    restored_ns: int | None


class Deployments:
    """The deployments of one database."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def save(self, deployment: Deployment) -> bool:
        """Keep a deployment in place of the one with the same id; return whether it is a new one."""
        row = structs.asdict(deployment)
        row |= {name: msgspec.json.encode(row[name]).decode() for name in _JSON}
        with self._engine.begin() as connection:
            gone = connection.execute(sa.delete(_DEPLOYMENTS).where(_DEPLOYMENTS.c.id == deployment.id)).rowcount
            connection.execute(sa.insert(_DEPLOYMENTS), [row])
        return not gone

    def of(self, id_: str) -> Deployment | None:
        """Return one by its id."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_DEPLOYMENTS).where(_DEPLOYMENTS.c.id == id_)).first()
        return _deployment(row) if row else None

    def listed(
        self,
        since_ns: int,
        until_ns: int,
        application: str = "",
        environment: str = "",
        before: tuple[int, str] | None = None,
        limit: int = MOST,
    ) -> list[Deployment]:
        """Return those that ran within a range, newest first; "" asks for any. ``before``: time and id of the last one seen."""
        table = _DEPLOYMENTS.c
        clauses: list[Any] = [table.time_ns >= since_ns, table.time_ns < until_ns]
        if application:
            clauses.append(table.application == application)
        if environment:
            clauses.append(table.environment == environment)
        if before:
            clauses.append(sa.or_(table.time_ns < before[0], sa.and_(table.time_ns == before[0], table.id < before[1])))
        query = sa.select(_DEPLOYMENTS).where(*clauses).order_by(table.time_ns.desc(), table.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [_deployment(row) for row in connection.execute(query)]

    def configured(self, until_ns: int) -> list[Deployment]:
        """Return those before a moment that told of capacity, oldest first; of very many the newest."""
        query = (
            sa.select(_DEPLOYMENTS)
            .where(_DEPLOYMENTS.c.time_ns < until_ns, _DEPLOYMENTS.c.configuration != "{}")
            .order_by(_DEPLOYMENTS.c.time_ns.desc(), _DEPLOYMENTS.c.id.desc())
            .limit(MOST)
        )
        with self._engine.connect() as connection:
            return [_deployment(row) for row in connection.execute(query)][::-1]


def _deployment(row: Any) -> Deployment:
    values = dict(row._mapping)
    values |= {name: msgspec.json.decode(values[name]) for name in _JSON}
    return Deployment(**(values | {"services": tuple(values["services"])}))
