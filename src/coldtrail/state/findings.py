"""Findings as they are kept: one row each, its minutes, its history; and marks of how far was looked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from coldtrail.model.findings import Change, Finding
from coldtrail.state.database import Database
from coldtrail.state.tables import TABLES

MINUTES_KEPT_S = 30 * 86_400

_FINDINGS = sa.Table(
    "findings",
    TABLES,
    sa.Column("fingerprint", sa.String(16), primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("kind", "scope", "detail", "title", "severity", "advice", "evidence")),
    *(sa.Column(name, sa.Text) for name in ("units", "follows", "state")),
    *(sa.Column(name, sa.BigInteger) for name in ("count", "first_ns", "last_ns", "muted_until_ns", "changed_ns")),
    sa.Column("regressed", sa.Boolean),
)
_MINUTES = sa.Table(
    "finding_minutes",
    TABLES,
    sa.Column("fingerprint", sa.String(16), primary_key=True),
    sa.Column("minute_s", sa.BigInteger, primary_key=True),
    sa.Column("count", sa.BigInteger),
)
_CHANGES = sa.Table(
    "finding_changes",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("fingerprint", "what", "by", "note")),
    sa.Column("time_ns", sa.BigInteger),
)
_MARKS = sa.Table(
    "marks", TABLES, sa.Column("name", sa.String(64), primary_key=True), sa.Column("value", sa.BigInteger)
)

_JSON = ("evidence", "units")


class Wanted(Struct, frozen=True):
    """Which findings to list; "" or () asks for any. ``since_ns``: seen at or after it."""

    states: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    kind: str = ""
    scope: str = ""
    since_ns: int = 0


class Findings:
    """The findings of one database."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def of(self, fingerprints: Iterable[str]) -> dict[str, Finding]:
        """Return those of the fingerprints that are known."""
        query = sa.select(_FINDINGS).where(_FINDINGS.c.fingerprint.in_(list(fingerprints)))
        with self._engine.connect() as connection:
            return {row.fingerprint: _finding(row) for row in connection.execute(query)}

    def listed(self, wanted: Wanted, limit: int, offset: int = 0) -> list[Finding]:
        """Return findings, the most severe first, then those seen last."""
        rank = sa.case({"high": 0, "medium": 1}, value=_FINDINGS.c.severity, else_=2)
        query = sa.select(_FINDINGS).where(*_clauses(wanted)).order_by(rank, _FINDINGS.c.last_ns.desc())
        with self._engine.connect() as connection:
            return [_finding(row) for row in connection.execute(query.limit(limit).offset(offset))]

    def counts(self, wanted: Wanted) -> dict[str, int]:
        """Return how many there are of each severity."""
        query = sa.select(_FINDINGS.c.severity, sa.func.count()).where(*_clauses(wanted)).group_by(_FINDINGS.c.severity)
        with self._engine.connect() as connection:
            return {str(severity): int(count) for severity, count in connection.execute(query)}

    def minutes(self, fingerprint: str, since_s: int, until_s: int) -> list[tuple[int, int]]:
        """Return `(minute_s, count)` of the minutes in which one was seen."""
        query = sa.select(_MINUTES.c.minute_s, _MINUTES.c.count).where(
            _MINUTES.c.fingerprint == fingerprint, _MINUTES.c.minute_s >= since_s, _MINUTES.c.minute_s < until_s
        )
        with self._engine.connect() as connection:
            return [(minute, count) for minute, count in connection.execute(query.order_by(_MINUTES.c.minute_s))]

    def counted(self, fingerprints: Iterable[str], since_s: int, until_s: int) -> dict[tuple[str, int], int]:
        """Return how often each was counted in each minute of a range."""
        query = sa.select(_MINUTES.c.fingerprint, _MINUTES.c.minute_s, _MINUTES.c.count).where(
            _MINUTES.c.fingerprint.in_(list(fingerprints)),
            _MINUTES.c.minute_s >= since_s,
            _MINUTES.c.minute_s < until_s,
        )
        with self._engine.connect() as connection:
            return {(str(one), int(minute)): int(count) for one, minute, count in connection.execute(query)}

    def history(self, fingerprint: str) -> list[Change]:
        """Return what was done about one, newest first."""
        query = sa.select(_CHANGES).where(_CHANGES.c.fingerprint == fingerprint).order_by(_CHANGES.c.id.desc())
        with self._engine.connect() as connection:
            return [Change(row.time_ns, row.what, row.by, row.note) for row in connection.execute(query.limit(200))]

    def save(
        self,
        findings: Sequence[Finding],
        minutes: dict[tuple[str, int], int],
        changes: Sequence[tuple[str, Change]],
        marks: dict[str, int] | None = None,
    ) -> None:
        """Keep findings, counts of minutes, changes and marks, all of them or none."""
        with self._engine.begin() as connection:
            _replace(connection, _FINDINGS, [_row(finding) for finding in findings])
            rows = [{"fingerprint": one, "minute_s": at, "count": count} for (one, at), count in minutes.items()]
            _replace(connection, _MINUTES, rows)
            if changes:
                told = [{"fingerprint": one, **structs.asdict(change)} for one, change in changes]
                connection.execute(sa.insert(_CHANGES), told)
            _replace(connection, _MARKS, [{"name": name, "value": value} for name, value in (marks or {}).items()])

    def mark(self, name: str) -> int:
        """Return a mark, 0 where it was never set."""
        with self._engine.connect() as connection:
            value = connection.execute(sa.select(_MARKS.c.value).where(_MARKS.c.name == name)).scalar()
        return int(value or 0)

    def forget(self, before_s: int) -> None:
        """Drop the counts of minutes before a Unix second."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_MINUTES).where(_MINUTES.c.minute_s < before_s))


def _clauses(wanted: Wanted) -> list[Any]:
    clauses: list[Any] = []
    if wanted.states:
        clauses.append(_FINDINGS.c.state.in_(wanted.states))
    if wanted.severities:
        clauses.append(_FINDINGS.c.severity.in_(wanted.severities))
    if wanted.kind:
        clauses.append(_FINDINGS.c.kind == wanted.kind)
    if wanted.scope:
        clauses.append(_FINDINGS.c.scope == wanted.scope)
    if wanted.since_ns:
        clauses.append(_FINDINGS.c.last_ns >= wanted.since_ns)
    return clauses


def _replace(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Put rows in place of those with the same key; the same on SQLite and PostgreSQL."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    same = sa.and_(*(table.c[key] == sa.bindparam(f"old_{key}") for key in keys))
    connection.execute(sa.delete(table).where(same), [{f"old_{key}": row[key] for key in keys} for row in rows])
    connection.execute(sa.insert(table), rows)


def _row(finding: Finding) -> dict[str, Any]:
    row = structs.asdict(finding)
    return row | {name: msgspec.json.encode(row[name]).decode() for name in _JSON}


def _finding(row: Any) -> Finding:
    values = dict(row._mapping)
    return Finding(**(values | {name: msgspec.json.decode(values[name]) for name in _JSON}))
