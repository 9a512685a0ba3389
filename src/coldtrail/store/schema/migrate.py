"""Bring a store's schema to the version of this program."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from coldtrail.store.engine import Engine
from coldtrail.store.keys.views import follow_rules
from coldtrail.store.schema.migrations import MIGRATIONS, RETENTION, VERSION


class TooNew(RuntimeError):
    """The store was written by a newer coldtrail; this one would not understand it."""


def migrate(
    engine: Engine,
    retention_s: dict[str, int],
    migrations: Sequence[Sequence[str]] = MIGRATIONS,
    rules: Callable[[], None] = lambda: None,
) -> int:
    """Run the missing migrations, set each table's retention and the rules of keys; return the schema's version.

    ``retention_s`` maps `spans`, `logs` and `metrics` to seconds. A migration that was cut short is run again as a
    whole, so its statements must bear that (`IF NOT EXISTS`). ``rules`` puts in force what the store says of them.

    Raises:
        TooNew: the store's version is above this program's.
        EngineError: the engine refused a step, or does not answer; what was done so far is done again without harm.
    """
    engine.prepare()
    engine.command(VERSION)
    version = int(engine.rows("SELECT max(version) FROM schema_version")[0][0])
    if version > len(migrations):
        raise TooNew(
            f"the store has schema version {version}, this coldtrail knows {len(migrations)}: upgrade coldtrail"
        )
    for number, statements in _missing(migrations, version):
        for statement in statements:
            engine.command(statement.replace("{retention}", str(retention_s["spans"])))
        engine.command(f"INSERT INTO schema_version (version) VALUES ({int(number)})")
    _set_retention(engine, retention_s)
    rules()
    follow_rules(engine)
    return len(migrations)


def _missing(migrations: Sequence[Sequence[str]], version: int) -> list[tuple[int, Sequence[str]]]:
    """Return (version reached, statements) of each step. A new store takes one, without what only an older one needs."""
    if version:
        return list(enumerate(migrations[version:], start=version + 1))
    return [(len(migrations), [one for statements in migrations for one in statements if not _OF_OLD_ONES.match(one)])]


_OF_OLD_ONES = re.compile(r"\s*(INSERT INTO|ALTER TABLE \w+ (MODIFY QUERY|MODIFY SETTING|MATERIALIZE COLUMN))")
"""Rows that move to new tables, and newer queries of views and settings of tables, which those that create them have as well."""


def _set_retention(engine: Engine, retention_s: dict[str, int]) -> None:
    # Only of these: to write out all views costs more than to make one.
    query = """SELECT name, create_table_query FROM system.tables
        WHERE database = currentDatabase() AND name IN {tables:Array(String)}"""
    created = dict(engine.rows(query, {"tables": list(RETENTION)}))
    for table, signal in RETENTION.items():
        wanted = f"toIntervalSecond({int(retention_s[signal])})"
        if table in created and wanted not in created[table]:
            engine.command(f"ALTER TABLE {table} MODIFY TTL received + {wanted}", {"materialize_ttl_after_modify": 0})
