"""One server for all that is watched: a metric stream's minute, and hours before it a scene without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import Coldtrail, serving

sys.path.insert(0, str(Path(__file__).parent))

LIMITS = """
[limits]
stepfunctions.start_execution = 600
"lambda.duration/growing" = 3000
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "coldtrail.toml").write_text(LIMITS)
    with serving(folder / "data") as running:
        yield running
