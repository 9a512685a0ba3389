"""One server and one lab of all stories for the tests of a file; a lab that nobody looks at keeps a tenth of a core busy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coldtrail_lab.lab import STORIES, Lab
from running import Coldtrail, serving


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Coldtrail, Lab]]:
    folder = tmp_path_factory.mktemp("lab")
    more = {"stories": STORIES, "schedule_s": 3600.0, "truth": folder / "truth.jsonl"}
    with serving(folder / "data") as running, Lab(otlp_http=running.otlp_http, xray=running.xray, api=running.url, **more) as lab:
        yield running, lab
