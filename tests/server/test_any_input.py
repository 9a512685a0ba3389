"""Whatever a client asks of API v1, by its own description: an answer or a problem that is the client's, never ours."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from running import Coldtrail

ENDLESS = "/api/v1/live"
ANSWERS = ("application/json", "application/problem+json", "application/yaml")


@pytest.mark.parametrize(("mode", "examples"), [(GenerationMode.POSITIVE, 6), (GenerationMode.NEGATIVE, 3)], ids=["as described", "against the description"])
def test_no_input_makes_the_server_fail(coldtrail: Coldtrail, mode: GenerationMode, examples: int) -> None:
    schema = schemathesis.openapi.from_url(f"{coldtrail.url}/api/v1/openapi.json")
    asked = []
    for found in schema.exclude(path=ENDLESS).get_all_operations():
        operation = found.ok()

        @settings(max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            answer = case.call(timeout=180)
            said = f"{case.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
            # 503 says that a query takes too long here and now; that is an answer, too.
            assert answer.status_code < 500 or answer.status_code == 503, said
            assert answer.headers["content-type"][0].split(";")[0] in ANSWERS, said

        with contextlib.suppress(Unsatisfiable):  # nothing is against the description of what takes nothing
            ask()
            asked.append(operation.path)
    assert "/api/v1/trails" in asked
