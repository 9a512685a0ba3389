"""One server for all that is watched: a metric stream's minute, and hours before it a scene without one."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from running import Coldtrail, serving
from together import LASTING

sys.path.insert(0, str(Path(__file__).parent))

LIMITS = """
[limits]
stepfunctions.start_execution = 600
"lambda.duration/growing" = 3000
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Coldtrail:
    """Kept for all files of this folder."""

    def make() -> contextlib.AbstractContextManager[Coldtrail]:
        folder = tmp_path_factory.mktemp("watched")
        (folder / "coldtrail.toml").write_text(LIMITS)
        return serving(folder / "data")

    return LASTING.get("watched", make)
