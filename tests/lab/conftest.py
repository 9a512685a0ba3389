"""One server and one lab of all stories for the tests of this folder; they only add to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coldtrail_lab.lab import STORIES, Lab
from running import Coldtrail, serving


@pytest.fixture(scope="package")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Coldtrail, Lab]]:
    folder = tmp_path_factory.mktemp("lab")
    more = {"stories": STORIES, "schedule_s": 3600.0, "truth": folder / "truth.jsonl"}
    with serving(folder / "data") as running, Lab(otlp_http=running.otlp_http, xray=running.xray, api=running.url, **more) as lab:
        yield running, lab
