"""Fixtures: a real server, shared by the tests that only add to it, on the store that is under test."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

import stores
import together
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: together.place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What `--dist loadfile` does with files, done with groups of them."""
    from xdist.scheduler import LoadFileScheduling

    class LoadGroups(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together.group(nodeid)

    return LoadGroups(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End what was made for a group after its last test."""
    if nextitem is None or together.group(item.nodeid) != together.group(nextitem.nodeid):
        together.LASTING.end()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Where a group was broken off."""
    together.LASTING.end()


@pytest.fixture(scope="session", autouse=True)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Which store servers get that are started now: `chdb` or `clickhouse`."""
    with stores.using(request.param, tmp_path_factory.mktemp("clickhouse")):
        yield request.param


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Coldtrail]]:
    """One server for each store. That of the chosen one is kept, of the other until the group ends that asks for it."""

    def make(store: str) -> contextlib.AbstractContextManager[Coldtrail]:
        return serving(tmp_path_factory.mktemp(store) / "data")

    with contextlib.ExitStack() as stack:
        kept = functools.cache(lambda store: stack.enter_context(make(store)))
        yield lambda store: kept(store) if stores.lasts(store) else together.LASTING.get(store, lambda: make(store))


@pytest.fixture(scope="module")
def coldtrail(store: str, shared: Callable[[str], Coldtrail]) -> Coldtrail:
    return shared(store)
