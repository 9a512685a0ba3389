"""Leases: of several processes on one database, the one that holds a lease does what must not be done twice."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from coldtrail.state.database import Database
from coldtrail.state.tables import TABLES

LEASES = sa.Table(
    "leases",
    TABLES,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("holder", sa.Text),
    sa.Column("until_ns", sa.BigInteger),
)


class NotLeader(RuntimeError):
    """Another process holds the lease by now, so nothing was changed."""


def take(database: Database, name: str, holder: str, now_ns: int, until_ns: int) -> bool:
    """Take a lease, or prolong one's own; return whether it is held until then.

    One UPDATE or INSERT decides, so of two processes that ask at once one gets it.
    """
    free = sa.or_(LEASES.c.holder == holder, LEASES.c.until_ns <= now_ns)
    with database.engine.begin() as connection:
        change = sa.update(LEASES).where(LEASES.c.name == name, free).values(holder=holder, until_ns=until_ns)
        if connection.execute(change).rowcount:
            return True
    try:
        with database.engine.begin() as connection:
            connection.execute(sa.insert(LEASES).values(name=name, holder=holder, until_ns=until_ns))
    except IntegrityError:
        return False
    return True


def give_back(database: Database, name: str, holder: str) -> None:
    """End one's own lease, so that the next process need not wait."""
    with database.engine.begin() as connection:
        connection.execute(sa.delete(LEASES).where(LEASES.c.name == name, LEASES.c.holder == holder))


def check(connection: sa.Connection, name: str, holder: str, now_ns: int) -> None:
    """Make sure, within a transaction, that a lease is still held; others wait for it until the transaction ends.

    Raises:
        NotLeader: it is not.
    """
    held = (LEASES.c.name == name, LEASES.c.holder == holder, LEASES.c.until_ns > now_ns)
    if not connection.execute(sa.update(LEASES).where(*held).values(holder=holder)).rowcount:
        raise NotLeader(f'the lease "{name}" is held by another process')
