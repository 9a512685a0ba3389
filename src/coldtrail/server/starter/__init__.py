"""The dashboards that come with coldtrail: one JSON file each, in the form in which dashboards are shared."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from coldtrail.model.definitions import Definition, check_name, read_spec

SOURCE = "coldtrail"
"""Where a starter dashboard comes from, as its ``source`` says it."""


@cache
def starters() -> dict[str, Definition]:
    """Return the starter set by name, in the order of the files."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        shared = msgspec.json.decode(path.read_bytes())
        name = check_name(shared["name"])
        read_spec("dashboard", shared["spec"])
        found[name] = Definition("dashboard", name, shared["spec"], SOURCE, SOURCE, 0)
    return found
