"""Fixtures: a real server, shared by the tests that only add to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running import Coldtrail, serving


@pytest.fixture(scope="session")
def coldtrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("coldtrail") / "data") as running:
        yield running
