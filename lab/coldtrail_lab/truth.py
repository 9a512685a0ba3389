"""The truth: every cause and effect with their ids, one JSON line each, in a file that coldtrail never reads."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

Thing = dict[str, str]

_SUBJECT = re.compile(r"\b(?:activity|invoice|signup|order|quote)-\d[\w-]*")


def subject_of(text: str) -> str:
    """Return what a payload is about: the first activity, invoice, signup, order or quote id in it, or ""."""
    found = _SUBJECT.search(text)
    return found[0] if found else ""


class Truth:
    """Appends causes and effects; also kept in memory for tests. Format: docs/lab.md, "The truth"."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("w") if path else None
        self._lock = threading.Lock()
        self.lines: list[dict[str, Any]] = []

    def says(self, kind: str, cause: Thing, effect: Thing, **about: object) -> None:
        """Write that ``cause`` led to ``effect``; ``about`` holds user, subject, attempt and the like."""
        line = {"time_ns": time.time_ns(), "kind": kind, "cause": cause, "effect": effect, **about}
        with self._lock:
            self.lines.append(line)
            if self._file:
                self._file.write(json.dumps(line) + "\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
