"""Alerts as they are kept: where each stands, what happened, and the messages that are to be sent.

A state and the messages that follow from it are written in one transaction, so that a process which is killed in between
has decided both or nothing; the messages are sent from here, and marked only after their receiver took them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from coldtrail.model.alerting import AlertState, Event, Notification
from coldtrail.state import leases
from coldtrail.state.database import Database
from coldtrail.state.tables import TABLES

LEASE = "alerting"
KEPT_NS = 90 * 86_400 * 10**9

_STATES = sa.Table(
    "alert_states",
    TABLES,
    sa.Column("alert", sa.String(63), primary_key=True),
    sa.Column("group", sa.String(512), primary_key=True),
    sa.Column("version", sa.BigInteger),
    sa.Column("phase", sa.String(16)),
    sa.Column("state", sa.Text),
)
_EVENTS = sa.Table(
    "alert_events",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("alert", sa.String(63)),
    sa.Column("group", sa.String(512)),
    sa.Column("time_ns", sa.BigInteger),
    sa.Column("event", sa.Text),
)
_MESSAGES = sa.Table(
    "notifications",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("message_id", "alert", "dedup_key", "route", "message", "status")),
    sa.Column("tries", sa.Integer),
    *(sa.Column(name, sa.BigInteger) for name in ("created_ns", "next_ns", "sent_ns")),
    sa.Column("error", sa.Text),
)

Key = tuple[str, str]
"""An alert's name and its group."""

Status = Literal["waiting", "sent", "dead"]


class Stale(RuntimeError):
    """Somebody else changed a state meanwhile, so nothing was kept: read it and decide again."""


class Kept(Struct, frozen=True):
    """A state as it was read; ``version`` grows with each change."""

    version: int
    state: AlertState


class Turn(Struct, frozen=True):
    """One alert's next state, what happened, and the messages that tell of it, each with its route."""

    alert: str
    group: str
    version: int
    state: AlertState
    events: tuple[Event, ...] = ()
    messages: tuple[tuple[str, Notification], ...] = ()


class Message(Struct, frozen=True):
    """A message on its way. Times are Unix nanoseconds, 0 = not yet."""

    id: int
    route: str
    message: Notification
    status: Status
    tries: int
    created_ns: int
    next_ns: int
    sent_ns: int
    error: str


class AlertBook:
    """Alerts' states, events and messages in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = database.engine

    def lead(self, holder: str, now_ns: int, until_ns: int) -> bool:
        """Take or prolong the lease of whoever decides and sends; return whether it is held."""
        return leases.take(self._database, LEASE, holder, now_ns, until_ns)

    def give_way(self, holder: str) -> None:
        """End one's own lease."""
        leases.give_back(self._database, LEASE, holder)

    def states(self, alert: str = "") -> dict[Key, Kept]:
        """Return where alerts stand."""
        query = sa.select(_STATES)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(_STATES.c.alert == alert) if alert else query)
            return {(row.alert, row.group): Kept(row.version, _state(row.state)) for row in rows}

    def save(self, turns: Sequence[Turn], now_ns: int, holder: str = "") -> None:
        """Keep turns, all of them or none; with a holder only while it holds the lease.

        Raises:
            NotLeader: it does not.
            Stale: a state is not the one that was read.
        """
        with self._engine.begin() as connection:
            if holder:
                leases.check(connection, LEASE, holder, now_ns)
            for turn in turns:
                _put(connection, turn)
            events = [
                {"alert": turn.alert, "group": turn.group, "time_ns": event.time_ns, "event": _text(event)}
                for turn in turns
                for event in turn.events
            ]
            if events:
                connection.execute(sa.insert(_EVENTS), events)
            messages = [_row(turn.alert, *one, now_ns) for turn in turns for one in turn.messages]
            if messages:
                connection.execute(sa.insert(_MESSAGES), messages)

    def post(self, alert: str, route: str, message: Notification, now_ns: int) -> int:
        """Keep one message that follows from no state, such as a test; return its id."""
        with self._engine.begin() as connection:
            made = connection.execute(sa.insert(_MESSAGES).values(_row(alert, route, message, now_ns)))
            return int(made.inserted_primary_key[0])  # type: ignore[index]

    def events(self, alert: str, limit: int = 200, since_ns: int = 0) -> list[tuple[str, Event]]:
        """Return `(group, event)` of an alert, newest first."""
        query = sa.select(_EVENTS).where(_EVENTS.c.alert == alert, _EVENTS.c.time_ns >= since_ns)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_EVENTS.c.id.desc()).limit(limit))
            return [(row.group, msgspec.json.decode(row.event, type=Event)) for row in rows]

    def due(self, now_ns: int, limit: int = 200) -> list[Message]:
        """Return messages that are to be sent now, oldest first; of one alert and route only the first that waits."""
        first = (
            sa.select(sa.func.min(_MESSAGES.c.id))
            .where(_MESSAGES.c.status == "waiting")
            .group_by(_MESSAGES.c.dedup_key, _MESSAGES.c.route)
        )
        query = sa.select(_MESSAGES).where(_MESSAGES.c.id.in_(first), _MESSAGES.c.next_ns <= now_ns)
        with self._engine.connect() as connection:
            return [_message(row) for row in connection.execute(query.order_by(_MESSAGES.c.id).limit(limit))]

    def tried(self, id_: int, status: Status, now_ns: int, next_ns: int = 0, error: str = "") -> None:
        """Keep what came of trying to send a message."""
        values = {"status": status, "tries": _MESSAGES.c.tries + 1, "next_ns": next_ns, "error": error[:500]}
        values["sent_ns"] = now_ns if status == "sent" else 0
        with self._engine.begin() as connection:
            connection.execute(sa.update(_MESSAGES).where(_MESSAGES.c.id == id_).values(values))

    def messages(self, alert: str = "", limit: int = 100, status: str = "") -> list[Message]:
        """Return messages, newest first; "" asks for any."""
        query = sa.select(_MESSAGES).order_by(_MESSAGES.c.id.desc()).limit(limit)
        if alert:
            query = query.where(_MESSAGES.c.alert == alert)
        if status:
            query = query.where(_MESSAGES.c.status == status)
        with self._engine.connect() as connection:
            return [_message(row) for row in connection.execute(query)]

    def one_message(self, id_: int) -> Message | None:
        """Return one message."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_MESSAGES).where(_MESSAGES.c.id == id_)).first()
        return _message(row) if row else None

    def forget(self, before_ns: int, gone: Sequence[Key] = ()) -> None:
        """Drop what happened and was sent before a time, and states of alerts that are no more."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_EVENTS).where(_EVENTS.c.time_ns < before_ns))
            old = (_MESSAGES.c.created_ns < before_ns, _MESSAGES.c.status != "waiting")
            connection.execute(sa.delete(_MESSAGES).where(*old))
            for alert, group in gone:
                connection.execute(sa.delete(_STATES).where(_STATES.c.alert == alert, _STATES.c.group == group))


def _put(connection: sa.Connection, turn: Turn) -> None:
    values = {"version": turn.version + 1, "phase": turn.state.phase, "state": _text(turn.state)}
    same = (_STATES.c.alert == turn.alert, _STATES.c.group == turn.group)
    if turn.version:
        changed = connection.execute(
            sa.update(_STATES).where(*same, _STATES.c.version == turn.version).values(values)
        ).rowcount
        if not changed:
            raise Stale(f"the state of {turn.alert} was changed meanwhile")
        return
    try:
        connection.execute(sa.insert(_STATES).values(alert=turn.alert, group=turn.group, **values))
    except sa.exc.IntegrityError:
        raise Stale(f"the state of {turn.alert} was made meanwhile") from None


def _row(alert: str, route: str, message: Notification, now_ns: int) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "alert": alert,
        "dedup_key": message.dedup_key,
        "route": route,
        "message": _text(message),
        "status": "waiting",
        "tries": 0,
        "created_ns": now_ns,
        "next_ns": now_ns,
        "sent_ns": 0,
        "error": "",
    }


def _message(row: Any) -> Message:
    values = {name: row._mapping[name] for name in Message.__struct_fields__ if name != "message"}
    return Message(**values, message=msgspec.json.decode(row.message, type=Notification))


def _state(text: str) -> AlertState:
    return msgspec.json.decode(text, type=AlertState)


def _text(value: Struct) -> str:
    return msgspec.json.encode(value).decode()
