"""Fixtures: a real server, shared by the tests that only add to it, on the store that is under test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import stores
from running import Coldtrail, serving


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the chosen store, or on both where its result depends on it."""
    both = metafunc.definition.get_closest_marker("both_stores")
    kinds = [stores.CHOSEN] if stores.CHOSEN else list(stores.KINDS if both else stores.KINDS[:1])
    names = [pytest.HIDDEN_PARAM if kind == stores.KINDS[0] else kind for kind in kinds]
    metafunc.parametrize("store", kinds, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session", autouse=True)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Which store servers get that are started now: `chdb` or `clickhouse`."""
    with stores.using(request.param, tmp_path_factory.mktemp("clickhouse")):
        yield request.param


@pytest.fixture(scope="session")
def coldtrail(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("coldtrail") / "data") as running:
        yield running
