"""What people define: each kind is a Struct of its own, and every definition is such a Struct with a name.

The same definition is a document in a file (`coldtrail apply`), a row of the state, and a form on the page.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from coldtrail.model.alerts import Alert
from coldtrail.model.dashboards import Dashboard
from coldtrail.model.objectives import Objective
from coldtrail.model.promql import BadExpression
from coldtrail.model.routes import Route
from coldtrail.model.silences import Silence
from coldtrail.model.workflows import Workflow

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What a name looks like: it is part of links, file names and keys for deduplication."""

SPECS: dict[str, type[Struct]] = {
    "alert": Alert,
    "dashboard": Dashboard,
    "objective": Objective,
    "route": Route,
    "silence": Silence,
    "workflow": Workflow,
}
"""The Struct of each kind; every one refuses unknown fields, and raises ValueError in `__post_init__` for what cannot be meant."""


class BadDefinition(ValueError):
    """A definition cannot be used; the message says which field and why, ``path`` where (`$.steps[2].name`).

    ``line`` and ``column``, from 1 on: within the value of that field, where that is a text that was read.
    """

    def __init__(self, message: str, path: str = "$", line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.column = column

    @property
    def where(self) -> dict[str, Any]:
        """Where, as the API tells it."""
        within = {} if self.column is None else {"line": self.line, "column": self.column}
        return {"path": self.path, **within}


class Definition(Struct, frozen=True):
    """One definition. ``source``: the file that it came from, or `page`. ``changed_ns``: Unix nanoseconds."""

    kind: str
    name: str
    spec: dict[str, Any]
    by: str
    source: str
    changed_ns: int


def read_spec(kind: str, spec: Any) -> Struct:
    """Return a definition's body as the Struct of its kind.

    Raises:
        BadDefinition: there is no such kind, or a field is missing, unknown, of a wrong type or impossible.
    """
    if kind not in SPECS:
        raise BadDefinition(f'there is no kind "{kind[:40]}"; there are {", ".join(sorted(SPECS))}')
    try:
        return msgspec.convert(spec, SPECS[kind])
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        path, why = path.removesuffix("`") or "$", error.__cause__
        if isinstance(why, BadExpression):
            raise BadDefinition(message, f"{path}.{why.field}", why.line, why.column) from None
        raise BadDefinition(message, path) from None


def check_name(name: str) -> str:
    """Return a name that is one.

    Raises:
        BadDefinition: it is none.
    """
    if not NAME.fullmatch(name):
        raise BadDefinition(f'"{name[:80]}" is no name: lower-case letters, digits and hyphens, at most 63', "$.name")
    return name
