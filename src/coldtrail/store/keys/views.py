"""Keep the views that fill `keys` at the rules in force: those of this program, and the fields that were configured."""

from __future__ import annotations

from coldtrail.services import rulebook
from coldtrail.store.engine import Engine
from coldtrail.store.keys.sql import mark, select_from_logs, select_from_spans
from coldtrail.store.sql_words import quoted


def follow_rules(engine: Engine) -> int:
    """Give each view the query of the rules in force, where it has another; return how many were changed.

    What was loaded before keeps the keys that it has. Loads may go on meanwhile: a view is changed in one step.

    Raises:
        EngineError: the engine refused it.
    """
    book = rulebook()
    known = dict(
        engine.rows(
            "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND name LIKE 'keys_from_%'"
        )
    )
    changed = 0
    for name, select in (("keys_from_spans", select_from_spans(book)), ("keys_from_logs", select_from_logs(book))):
        rules = mark(select)
        if known.get(name) != rules:
            engine.command(f"ALTER TABLE {name} MODIFY QUERY {select}")
            engine.command(f"ALTER TABLE {name} MODIFY COMMENT {quoted(rules)}")
            changed += 1
    return changed
