"""The service map as the API tells it, from spans, messages and log lines as their emitters send them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from otlp import logs, span, traces
from running import Coldtrail, serving

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
MS = 10**6
ORDERS, STRIPE_FAILS = 4, 1


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A gateway, a function, a service behind a host, a host outside, a queue whose taker does not name it, a table."""
    with serving(tmp_path_factory.mktemp("map") / "data") as running:
        for number in range(ORDERS):
            running.post("/v1/traces", _order(number)).raise_for_status()
        yield running


def _order(number: int) -> bytes:
    at = time.time_ns() - 120 * 10**9 + number * 10**9
    trace = os.urandom(16)
    message = f"message-{number}"

    def part(service: str, name: str, kind: int, parent: bytes, offset_ms: int, **fields: Any) -> dict[str, Any]:
        return span(name, service=service, kind=kind, trace_id=trace, parent=parent, start_ns=at + offset_ms * MS, **fields)

    gateway = part("shop-api", "POST /orders", SERVER, b"", 0, attributes={"http.route": "/orders", "http.request.method": "POST"}, duration_ms=90)
    function = part("orders", "orders", SERVER, gateway["span_id"], 1, attributes={"faas.invocation_id": f"r-{number}", "faas.coldstart": number == 0}, duration_ms=80)
    pay = part("orders", "POST", CLIENT, function["span_id"], 2, attributes={"server.address": "payments.internal", "http.request.method": "POST"})
    paid = part("payments", "POST /pay", SERVER, pay["span_id"], 3, attributes={"http.route": "/pay"})
    failed = {"error": "Timeout"} if number < STRIPE_FAILS else {}
    stripe = part("payments", "POST", CLIENT, paid["span_id"], 4, attributes={"url.full": "https://api.stripe.com/v1/charges"}, **failed)
    send = part("orders", "send", PRODUCER, function["span_id"], 5, attributes={"messaging.system": "aws_sqs", "messaging.destination.name": "https://sqs.eu-central-1.amazonaws.com/1/order-queue", "messaging.message.id": message, "messaging.operation.type": "send"}, duration_ms=5)
    put = part("orders", "DynamoDB.PutItem", CLIENT, function["span_id"], 6, attributes={"rpc.method": "PutItem", "aws.table_name": "orders-table"})
    inner = part("orders", "compute", 1, function["span_id"], 7)
    taken = span("bill", service="billing", kind=CONSUMER, start_ns=at + 2_000 * MS, attributes={"messaging.system": "aws_sqs", "messaging.message.id": message, "faas.invocation_id": f"b-{number}"})
    return traces(gateway, function, pay, paid, stripe, send, put, inner, taken)


def the_map(running: Coldtrail, good: Any, **params: Any) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
    def edges_of(answer: dict[str, Any]) -> dict[tuple[str, str], Any]:
        return {(one["from"], one["to"]): one for one in answer["edges"]}

    answer = running.eventually("/map", lambda answer: good({one["id"]: one for one in answer["nodes"]}, edges_of(answer)), **params)
    return {one["id"]: one for one in answer["nodes"]}, edges_of(answer)


WAYS = {
    ("service/shop-api", "service/orders"): ("calls", "span"),
    ("service/orders", "service/payments"): ("calls", "span"),
    ("service/payments", "external/api.stripe.com"): ("calls", "span"),
    ("service/orders", "sqs/order-queue"): ("sends", "span"),
    ("service/orders", "dynamodb/orders-table"): ("calls", "span"),
    ("sqs/order-queue", "service/billing"): ("delivers", "message"),
}
"""Every edge of the shop; each is there once for an order."""


def whole(nodes: dict[str, Any], edges: dict[tuple[str, str], Any]) -> bool:
    """All views of all loads are there: they are filled one after the other."""
    counts = {pair: one["count"] for pair, one in edges.items() if not pair[0].endswith(("collector", "clicks"))}
    counted = all(one["count"] == ORDERS for one in nodes.values() if one["name"] not in ("collector", "counter", "clicks"))
    return counts == dict.fromkeys(WAYS, ORDERS) and counted and edges["sqs/order-queue", "service/billing"]["wait_p50_ms"] is not None


def test_everything_that_took_part_is_on_the_map_with_its_kind(shop: Coldtrail) -> None:
    nodes, _ = the_map(shop, whole)
    assert {one["id"]: one["kind"] for one in nodes.values()} == {
        "service/shop-api": "api",
        "service/orders": "function",
        "service/payments": "service",
        "service/billing": "function",
        "sqs/order-queue": "queue",
        "dynamodb/orders-table": "table",
        "external/api.stripe.com": "external",
    }
    orders = nodes["service/orders"]
    assert (orders["count"], orders["cold_start_count"], orders["cold_start_share"]) == (ORDERS, 1, 1 / ORDERS)
    stripe = nodes["external/api.stripe.com"]
    assert (stripe["count"], stripe["error_count"]) == (ORDERS, STRIPE_FAILS)


def test_a_host_is_the_service_that_answered_and_a_queue_stands_between_its_sender_and_its_taker(shop: Coldtrail) -> None:
    _, edges = the_map(shop, whole)
    assert {pair: (one["kind"], one["evidence"]) for pair, one in edges.items()} == WAYS
    assert not any(one["inferred"] or one["estimated"] for one in edges.values())


def test_a_url_stands_for_its_host_also_where_that_has_no_dot(coldtrail: Coldtrail) -> None:
    caller, one = f"caller-{os.urandom(3).hex()}", os.urandom(3).hex()
    hosts = {f"http://ledger-{one}:8080/items": f"ledger-{one}", f"https://me:secret@vault-{one}/a?b=http://c.d/": f"vault-{one}", f"https://api.{one}.example/x": f"api.{one}.example", "http://[::1]:80/x": "[::1]"}
    sent = [span("GET", service=caller, kind=CLIENT, attributes={"url.full": url}) for url in hosts]
    assert coldtrail.post("/v1/traces", traces(*sent)).status_code == 200
    the_map(coldtrail, lambda _, edges: {to for of, to in edges if of == f"service/{caller}"} == {f"external/{host}" for host in hosts.values()})


def test_the_wait_in_a_queue_is_on_the_edge_to_its_taker_and_on_the_queue(shop: Coldtrail) -> None:
    nodes, edges = the_map(shop, whole)
    edge, queue = edges["sqs/order-queue", "service/billing"], nodes["sqs/order-queue"]
    assert edge["wait_p50_ms"] == pytest.approx(1995, abs=1)
    assert (queue["wait_p50_ms"], queue["wait_p95_ms"]) == (edge["wait_p50_ms"], edge["wait_p95_ms"])


def test_nodes_are_grouped_by_the_tag_that_is_asked_for(shop: Coldtrail) -> None:
    tagged, _ = the_map(shop, whole, group="service.name")
    assert tagged["service/orders"]["group"] == "orders"
    assert tagged["dynamodb/orders-table"]["group"] == "orders"
    plain, _ = the_map(shop, whole, group="none")
    assert {one["group"] for one in plain.values()} == {""}


def test_a_resource_leads_to_its_slowest_and_its_failing_trail(shop: Coldtrail) -> None:
    the_map(shop, whole)
    answer = shop.api("/resources/order-queue")
    assert [(one["service"], one["taking"], one["count"], one["failing_trail_id"]) for one in answer["calls"]["callers"]] == [("orders", False, ORDERS, None)]
    slowest = shop.api(f"/trails/{answer['calls']['callers'][0]['slowest_trail_id']}")
    assert "order-queue" in {one["service"] for one in slowest["nodes"]}
    assert [(one["service"], one["message_count"]) for one in answer["messages"]["consumers"]] == [("billing", ORDERS)]


def test_functions_known_from_log_lines_alone_are_joined_by_their_messages(shop: Coldtrail) -> None:
    now = time.time_ns()
    sent = {"attributes": {"faas.invocation_id": "log-1", "stream_name": "clicks", "response.SequenceNumber": "4966000000000000000000000000000000000000001"}, "time_ns": now - 60 * 10**9}
    taken = {"attributes": {"faas.invocation_id": "log-2", "sequence_number": "4966000000000000000000000000000000000000001"}, "time_ns": now - 57 * 10**9}
    shop.post("/v1/logs", logs(sent, service="collector")).raise_for_status()
    shop.post("/v1/logs", logs(taken, service="counter")).raise_for_status()
    way = [("service/collector", "kinesis/clicks"), ("kinesis/clicks", "service/counter")]
    _, edges = the_map(shop, lambda nodes, edges: all(pair in edges for pair in way))
    assert [edges[pair]["evidence"] for pair in way] == ["message", "message"]
    assert edges[way[1]]["wait_p50_ms"] == pytest.approx(3000, abs=1)
