"""Fixtures: a real server, shared by the tests that only add to it, on the store that is under test."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

import stores
from running import Coldtrail, serving

# The same examples each time, so that a failure speaks of the change; `explore` draws new ones to look for more.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


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
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Coldtrail]]:
    """One server for each store, kept while tests go from the one to the other and back."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda store: stack.enter_context(serving(tmp_path_factory.mktemp(store) / "data")))


@pytest.fixture(scope="session")
def coldtrail(store: str, shared: Callable[[str], Coldtrail]) -> Coldtrail:
    return shared(store)
