"""Which store the servers under test have: the embedded engine, or a database each on the ClickHouse double."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from together import LASTING

CHOSEN = os.environ.get("COLDTRAIL_TEST_STORE", "")
"""`chdb` or `clickhouse` runs every test on that one; unset, tests marked `both_stores` run on both, others on `chdb`."""

KINDS = ("chdb", "clickhouse")
DOUBLE = Path(__file__).parent / "clickhouse_http" / "server.py"


class ClickHouseDouble:
    """`clickhouse_http/server.py` in a process of its own; see there for what it is and is not."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.flags = flags
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, on the port that it had before."""
        command = [sys.executable, DOUBLE, "--data", self.folder, "--port", str(self.port), "--until-eof", *self.flags]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        self.port = json.loads(self._process.stdout.readline())["port"]

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()

    def dsn(self, data: Path) -> str:
        """A database for the server on ``data``, the same one each time."""
        name = f"{data.name}_{hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]}"
        return f"clickhouse://127.0.0.1:{self.port}/{''.join(one if one.isalnum() else '_' for one in name)}"


_double: ClickHouseDouble | None = None
"""The one that servers are told of; none, and they have the embedded engine."""


def lasts(kind: str) -> bool:
    """Whether most tests run on it, so that it is kept until we end."""
    return kind == (CHOSEN or KINDS[0])


@contextlib.contextmanager
def running_double(folder: Path) -> Iterator[ClickHouseDouble]:
    made = ClickHouseDouble(folder)
    try:
        yield made
    finally:
        made.kill()


@contextlib.contextmanager
def using(kind: str, folder: Path) -> Iterator[None]:
    """Let every server that is started within have its store there. The double stays up until the group of tests ends."""
    global _double
    if kind == "clickhouse":
        _double = _kept(folder) if lasts(kind) else LASTING.get("double", lambda: running_double(folder))
    try:
        yield
    finally:
        _double = None


_kept = functools.cache(ClickHouseDouble)
"""It ends when we do, since its standard input does."""


def dsn(data: Path) -> str:
    """The store of a server on ``data``."""
    return _double.dsn(data) if _double else f"chdb://{data.resolve() / 'store'}"


def flags(data: Path) -> list[str]:
    """How a server on ``data`` is told so; the embedded store is the default, so nothing is said."""
    return ["--store", dsn(data)] if _double else []
