"""Investigations as they are kept: a row each, and their record, a row an entry."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from coldtrail.model.investigations import MOST_ENTRIES, MOST_INVESTIGATIONS, Began, Entry, Ground, Investigation
from coldtrail.state.database import Database
from coldtrail.state.tables import TABLES

_INVESTIGATIONS = sa.Table(
    "investigations",
    TABLES,
    sa.Column("id", sa.String(16), primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("name", "state", "began", "ground", "by")),
    *(sa.Column(name, sa.BigInteger) for name in ("since_ns", "until_ns", "created_ns", "changed_ns")),
)
_ENTRIES = sa.Table(
    "investigation_entries",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("investigation", sa.String(16)),
    *(sa.Column(name, sa.Text) for name in ("kind", "by", "text", "link")),
    sa.Column("time_ns", sa.BigInteger),
)

_JSON = ("began", "ground")


class Full(Exception):
    """There are as many investigations, or entries of one, as there may be."""


class Listed(Struct, frozen=True):
    """An investigation in a list: with how many notes, and how much was looked at."""

    investigation: Investigation
    note_count: int
    look_count: int


class Investigations:
    """The investigations of one database."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine

    def save(self, one: Investigation) -> None:
        """Keep an investigation in place of the one with its id."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_INVESTIGATIONS).where(_INVESTIGATIONS.c.id == one.id))
            connection.execute(sa.insert(_INVESTIGATIONS), [_row(one)])

    def open(self, made: Investigation) -> tuple[Investigation, bool]:
        """Keep a new one unless one is open for the same thing and moment; return the one that is open, and whether it is new.

        Of several who ask at once one makes it, and the others get it.

        Raises:
            Full: there are as many as there may be.
        """
        with self._engine.begin() as connection:
            _alone(connection)
            if row := connection.execute(_open_of(made.began, made.ground.at_ns)).first():
                return _investigation(row), False
            if _count(connection) >= MOST_INVESTIGATIONS:
                raise Full(made.id)
            connection.execute(sa.insert(_INVESTIGATIONS), [_row(made)])
        return made, True

    def of(self, id_: str) -> Investigation | None:
        """Return one by its id."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_INVESTIGATIONS).where(_INVESTIGATIONS.c.id == id_)).first()
        return _investigation(row) if row else None

    def listed(self, state: str, limit: int, offset: int = 0) -> list[Listed]:
        """Return those in a state ("" = any), the open ones first, then those changed last."""
        table = _INVESTIGATIONS.c
        first = sa.case({"open": 0}, value=table.state, else_=1)
        query = sa.select(_INVESTIGATIONS).order_by(first, table.changed_ns.desc(), table.id)
        query = query.where(table.state == state) if state else query
        with self._engine.connect() as connection:
            found = [_investigation(row) for row in connection.execute(query.limit(limit).offset(offset))]
            counts = _counts(connection, [one.id for one in found])
        return [Listed(one, counts.get((one.id, "note"), 0), counts.get((one.id, "look"), 0)) for one in found]

    def entries(self, id_: str) -> list[Entry]:
        """Return an investigation's record, oldest first."""
        table = _ENTRIES.c
        query = sa.select(table.id, table.kind, table.time_ns, table.by, table.text, table.link)
        query = query.where(table.investigation == id_).order_by(table.time_ns, table.id).limit(MOST_ENTRIES)
        with self._engine.connect() as connection:
            return [Entry(*row) for row in connection.execute(query)]

    def add(self, id_: str, entry: Entry) -> Entry:
        """Append to the record; a screen that was the last thing looked at is looked at again, and no new entry.

        Raises:
            Full: it has as many entries as it may.
        """
        table = _ENTRIES.c
        with self._engine.begin() as connection:
            mine = sa.select(_ENTRIES).where(table.investigation == id_).order_by(table.time_ns.desc(), table.id.desc())
            last = connection.execute(mine.limit(1)).first()
            if entry.kind == "look" and last and (last.kind, last.link) == ("look", entry.link):
                kept = {"time_ns": entry.time_ns, "text": entry.text}
                connection.execute(sa.update(_ENTRIES).where(table.id == last.id).values(**kept))
                number = int(last.id)
            else:
                counted = sa.select(sa.func.count()).select_from(_ENTRIES).where(table.investigation == id_)
                if int(connection.execute(counted).scalar() or 0) >= MOST_ENTRIES:
                    raise Full(id_)
                row = structs.asdict(entry) | {"investigation": id_}
                del row["id"]
                number = int(connection.execute(sa.insert(_ENTRIES).values(**row)).inserted_primary_key[0])  # type: ignore[index]
            _changed(connection, id_, entry.time_ns)
        return structs.replace(entry, id=number)

    def remove_entry(self, id_: str, entry: int, now_ns: int) -> bool:
        """Forget one entry; return whether there was one."""
        with self._engine.begin() as connection:
            mine = sa.and_(_ENTRIES.c.investigation == id_, _ENTRIES.c.id == entry)
            gone = connection.execute(sa.delete(_ENTRIES).where(mine)).rowcount
            if gone:
                _changed(connection, id_, now_ns)
        return bool(gone)

    def remove(self, id_: str) -> None:
        """Forget an investigation and its record."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_ENTRIES).where(_ENTRIES.c.investigation == id_))
            connection.execute(sa.delete(_INVESTIGATIONS).where(_INVESTIGATIONS.c.id == id_))


def _alone(connection: sa.Connection) -> None:
    """Let everybody else who would write an investigation wait until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE investigations IN SHARE ROW EXCLUSIVE MODE"))
    else:
        # SQLite has one writer at a time, from its first statement that writes on, whatever it finds.
        connection.execute(sa.delete(_INVESTIGATIONS).where(_INVESTIGATIONS.c.id == ""))


def _count(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(_INVESTIGATIONS)).scalar() or 0)


def _open_of(began: Began, at_ns: int) -> sa.Select[Any]:
    """The open one that began with the same thing, and whose range has the moment in it."""
    told = msgspec.json.encode(began).decode()
    table = _INVESTIGATIONS.c
    query = sa.select(_INVESTIGATIONS).where(
        table.state == "open", table.began == told, table.since_ns <= at_ns, table.until_ns > at_ns
    )
    return query.order_by(table.changed_ns.desc()).limit(1)


def _row(one: Investigation) -> dict[str, Any]:
    row = structs.asdict(one) | {"since_ns": one.ground.since_ns, "until_ns": one.ground.until_ns}
    return row | {name: msgspec.json.encode(row[name]).decode() for name in _JSON}


def _changed(connection: sa.Connection, id_: str, now_ns: int) -> None:
    connection.execute(sa.update(_INVESTIGATIONS).where(_INVESTIGATIONS.c.id == id_).values(changed_ns=now_ns))


def _counts(connection: sa.Connection, ids: list[str]) -> dict[tuple[str, str], int]:
    table = _ENTRIES.c
    query = sa.select(table.investigation, table.kind, sa.func.count()).where(table.investigation.in_(ids))
    rows = connection.execute(query.group_by(table.investigation, table.kind))
    return {(str(id_), str(kind)): int(count) for id_, kind, count in rows}


def _investigation(row: Any) -> Investigation:
    values = {str(name): value for name, value in row._mapping.items()}
    began = msgspec.json.decode(values.pop("began"), type=Began)
    ground = msgspec.json.decode(values.pop("ground"), type=Ground)
    del values["since_ns"], values["until_ns"]
    return Investigation(**values, began=began, ground=ground)
