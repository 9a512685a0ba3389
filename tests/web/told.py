"""A server that was told story 1."""

from __future__ import annotations

import time
from dataclasses import dataclass

from activity import Activity, Sender, refused

from running import Coldtrail, wait_for

LARGE_SPANS = 20_000
BROAD_SPANS = 5_000
MINUTE_NS = 60 * 10**9


@dataclass
class Told:
    """Some activities went well, the latest ones failed; one trail is large.

    ``inferred`` is a trail with an edge that is not certain, ``broad`` one of 5,000 nodes. ``asked`` is a user about whom somebody asks: one activity stored, one failed, the history read once.
    """

    url: str
    otlp_http: str
    well: list[Activity]
    failed: list[Activity]
    large: str
    asked: str
    inferred: str
    broad: str


def tell(running: Coldtrail) -> Told:
    """Send story 1 and wait until all of it is visible; it lasts 38 minutes, so an hour later than never it is still "the last hour"."""
    sender = Sender(running.otlp_http, xray=running.xray)
    now = time.time_ns()
    asked = "user-424242"
    well = [sender.activity(now - 38 * MINUTE_NS + i * 22 * 10**9, failed=False) for i in range(68)]
    well.append(sender.activity(now - 12 * MINUTE_NS, failed=False, user=asked))
    failed = [sender.activity(now - 9 * MINUTE_NS + i * MINUTE_NS, failed=True, user=asked if i == 0 else None) for i in range(7)]
    read = sender.history(now - 2 * MINUTE_NS, asked)
    inferred = sender.inferred(now - 3 * MINUTE_NS)
    sender.flush()
    large, broad = sender.large(LARGE_SPANS), sender.large(BROAD_SPANS)
    refused(running.otlp_http)
    running.eventually(f"/trails/{large}/columns", lambda trail: trail["node_count"] >= LARGE_SPANS)
    running.eventually(f"/trails/{broad}/columns", lambda trail: trail["node_count"] >= BROAD_SPANS)
    running.eventually(f"/trails/{inferred}/columns", lambda trail: trail["node_count"] >= 2)
    for one in failed:
        running.eventually(f"/trails/{one.trace_id}/columns", lambda trail: trail["status"] == "error")
        running.eventually("/find", lambda found: bool(found["matches"]), q=one.ingest_request_id)
    running.eventually(f"/trails/{read}/columns", lambda trail: trail["node_count"] >= 3)
    wait_for(lambda: running.api("/trails", status="error")["trails"], lambda trails: len(trails) >= len(failed))
    posted = len(well) + len(failed)
    running.eventually("/entries", lambda answer: {("/activity", posted)} <= {(one["route"], one["count"]) for one in answer["entries"]})
    taken = {"count": posted, "taken_count": posted}
    running.eventually("/resources/activity-stream", lambda answer: {name: answer["messages"][name] for name in taken} == taken and sum(one["failed_count"] for one in answer["messages"]["consumers"]) == len(failed))
    running.eventually("/event-sources", lambda answer: ("activity-stream", posted) in {(one["name"], one["taken_count"]) for one in answer["event_sources"]})
    return Told(running.url, running.otlp_http, well, failed, large, asked, inferred, broad)
