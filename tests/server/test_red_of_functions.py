"""Rate, errors and durations of functions, whole and step by step."""

from __future__ import annotations

import time
import uuid

from lambda_logs import report, write
from running import Coldtrail

MINUTE_MS = 60_000


def test_each_function_has_its_whole_and_its_steps(coldtrail: Coldtrail) -> None:
    end_ms = time.time_ns() // 10**6 // MINUTE_MS * MINUTE_MS
    for function, minutes in (("red-often", (9, 8, 8, 7)), ("red-once", (8,))):
        for minute in minutes:
            write(coldtrail, function, report(str(uuid.uuid4()), 20.0), start_ms=end_ms - minute * MINUTE_MS + 1_000)
    wanted = {"red-often": (4, [1, 2, 1]), "red-once": (1, [1])}

    def told(answer: dict) -> dict:
        return {one["name"]: (one["count"], [point["count"] for point in one["points"]]) for one in answer["groups"] if one["name"] in wanted}

    asked = {"group": "function", "since": str(end_ms // 1000 - 600), "until": str(end_ms // 1000), "step": "60s"}
    answer = coldtrail.eventually("/red", lambda found: told(found) == wanted, **asked)
    assert {one["p50_ms"] for one in answer["groups"] if one["name"] in wanted} == {20.0}
    counted = {one["name"]: one["points"] for one in coldtrail.api("/red", points="counts", **asked)["groups"]}
    assert counted["red-often"] == {"count": [0, 1, 2, 1, 0, 0, 0, 0, 0, 0], "error_count": [0] * 10}
