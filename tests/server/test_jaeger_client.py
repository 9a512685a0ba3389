"""A real client of Jaeger's query API reads the same figures as the page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jaeger_mcp.facade import JaegerClient

from otlp import span, traces
from running import Coldtrail, wait_for


class Elsewhere:
    """The client in a thread of its own: it runs an event loop, and where a browser was started before, this one has one."""

    def __init__(self, client: JaegerClient, thread: ThreadPoolExecutor) -> None:
        self._client, self._thread = client, thread

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **named: self._thread.submit(getattr(self._client, name), *args, **named).result()


@pytest.fixture
def jaeger(coldtrail: Coldtrail) -> Iterator[Elsewhere]:
    with ThreadPoolExecutor(1) as thread:
        yield Elsewhere(JaegerClient.from_env(url=f"{coldtrail.url}/jaeger"), thread)


def test_a_jaeger_client_reads_the_figures_of_the_page(coldtrail: Coldtrail, jaeger: Elsewhere) -> None:
    shop, now_ns, sent = f"shop-{os.urandom(3).hex()}", time.time_ns() - 60 * 10**9, []
    for number in range(6):
        root = span("GET /cart", service=shop, kind=2, start_ns=now_ns + number * 10**9, duration_ms=10.0 * (number + 1), error="TimeoutError" if number == 5 else "", attributes={"user.id": f"u-{number}"})
        call = span("store.get", service=shop, trace_id=root["trace_id"], parent=root["span_id"], kind=3, start_ns=root["start_ns"] + 10**6)
        sent += [root, call, span("get", service=f"{shop}-store", trace_id=root["trace_id"], parent=call["span_id"], kind=2, start_ns=call["start_ns"] + 10**6)]
    assert coldtrail.post("/v1/traces", traces(*sent)).status_code == 200
    page = coldtrail.eventually("/trails", lambda answer: [row["node_count"] for row in answer["trails"]] == [3] * 6, service=shop)["trails"]

    wait_for(jaeger.list_services, lambda names: {shop, f"{shop}-store"} <= set(names))
    found = {one.trace_id: one for one in jaeger.search_traces(shop)}
    assert found.keys() == {row["trail_id"] for row in page}
    assert {one.trace_id for one in jaeger.search_traces(shop, tags={"user.id": "u-3"})} == {sent[9]["trace_id"].hex()}
    assert {one.trace_id for one in jaeger.search_traces(shop, min_duration="55ms")} == {sent[15]["trace_id"].hex()}
    for row in page:
        trace, told = jaeger.get_trace(row["trail_id"]), coldtrail.api("/spans", trace_id=row["trail_id"])["spans"]
        assert {(one.span_id, one.operation, one.service_name) for one in trace.spans} == {(one["span_id"], one["name"], one["resource"]["attributes"]["service.name"]) for one in told}
        assert (trace.root_operation, trace.errors_count) == ("GET /cart", int(row["status"] == "error"))
    coldtrail.eventually("/red", lambda answer: [(one["count"], one["error_count"]) for one in answer["groups"] if one["name"] == shop] == [(6, 1)], group="service", since="now-1h")
    cart = next(one for one in jaeger.span_statistics(shop).stats if one.operation == "GET /cart")
    assert (cart.count, cart.error_count) == (6, 1)
    wait_for(jaeger.get_dependencies, lambda links: {(one.parent, one.child, one.call_count) for one in links if one.parent == shop} == {(shop, f"{shop}-store", 6)})
