"""The database: opened, brought to the newest schema, and handed to those who keep state."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

HEAD = "0005"
"""The newest revision in `migrations/versions/`. Known here so that an up-to-date database is opened without alembic."""

BUSY_S = 10


class BadState(RuntimeError):
    """The state's database cannot be used; the message says why and what to do."""


class Database(Struct):
    """An open database at the newest schema; `engine` gives connections to any thread."""

    engine: Engine

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open the database of a SQLAlchemy URL, such as `sqlite:////data/state.db`, and bring it to the newest schema.

    Raises:
        BadState: it cannot be opened, or is of a newer coldtrail.
    """
    more: dict[str, Any] = {"connect_args": {"timeout": BUSY_S}, "poolclass": QueuePool} if _is_sqlite(url) else {}
    try:
        engine = create_engine(url, **more)
        if _is_sqlite(url):
            event.listen(engine, "connect", _durable)
        _upgrade(engine)
    except (SQLAlchemyError, ImportError) as error:
        raise BadState(f"the state's database cannot be used: {str(error).splitlines()[0][:500]}") from None
    return Database(engine)


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _durable(connection: Any, _: Any) -> None:
    """Readers do not wait for the writer, and what was committed survives a loss of power."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _upgrade(engine: Engine) -> None:
    with engine.connect() as connection:
        known = inspect(connection).has_table("alembic_version")
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else None
    if version == HEAD:
        return
    if version is not None and str(version) > HEAD:
        raise BadState(f"the state's database has version {version}, this coldtrail knows {HEAD}: upgrade coldtrail")
    # Late: half a second of imports that only a new or an old database needs.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "coldtrail.state:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
