"""What the API tells of entries, queues, streams and tables; asked of a quiet hour yesterday, so that no other test is in it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from told import Told

from running import HTTP, wait_for

HOUR_S = 3600
SEND, TAKE, SERVE, CALL = 4, 5, 2, 3


def value(plain: Any) -> dict[str, Any]:
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(one) for one in plain]}}
    return {"intValue": str(plain)} if isinstance(plain, int) else {"stringValue": plain}


def span(trace: int, number: int, kind: int, at_s: float, *, parent: int = 0, took_s: float = 0.01, failed: bool = False, **attributes: Any) -> dict[str, Any]:
    return {
        "traceId": f"{trace:032x}",
        "spanId": f"{trace % 2**32:08x}{number:08x}",
        "parentSpanId": f"{trace % 2**32:08x}{parent:08x}" if parent else "",
        "name": f"span {number}",
        "kind": kind,
        "startTimeUnixNano": str(int(at_s * 1e9)),
        "endTimeUnixNano": str(int((at_s + took_s) * 1e9)),
        "status": {"code": 2} if failed else {},
        "attributes": [{"key": name.replace("__", "."), "value": value(one)} for name, one in attributes.items()],
    }


class Hour:
    """A quiet hour of yesterday; each test has its own."""

    def __init__(self, told: Told, number: int) -> None:
        self.told = told
        self.since_s = int(time.time()) // HOUR_S * HOUR_S - (30 + number) * HOUR_S
        self.range = {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in (("since", self.since_s), ("until", self.since_s + HOUR_S))}

    def send(self, service: str, *spans: dict[str, Any]) -> None:
        resource = {"attributes": [{"key": "service.name", "value": value(service)}]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}
        HTTP.post(f"{self.told.otlp_http}/v1/traces", json=body, timeout=30).raise_for_status()

    def eventually(self, path: str, good: Any, **params: Any) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            answer = HTTP.get(f"{self.told.url}/api/v1{path}", params={**self.range, **params}, timeout=60)
            return answer.json() if answer.status_code == 200 else {}

        return wait_for(ask, lambda answer: bool(answer) and good(answer))


NAMED = [
    ({"aws__table_name": "xray-table"}, "dynamodb", "xray-table"),
    ({"aws__dynamodb__table_names": ["otel-table"]}, "dynamodb", "otel-table"),
    ({"db__system__name": "aws.dynamodb", "db__collection__name": "semconv-table"}, "dynamodb", "semconv-table"),
    ({"db__system__name": "postgresql", "db__collection__name": "no-resource"}, "", ""),
    ({"aws__sqs__queue__url": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"}, "sqs", "orders"),
    ({"messaging__system": "aws_sqs", "messaging__destination__name": "invoices"}, "sqs", "invoices"),
    ({"messaging__system": "kafka", "messaging__destination__name": "no-aws"}, "", ""),
    ({"aws__sns__topic__arn": "arn:aws:sns:eu-central-1:123456789012:signups"}, "sns", "signups"),
    ({"aws__kinesis__stream_name": "clicks"}, "kinesis", "clicks"),
    ({"aws__s3__bucket": "archive"}, "s3", "archive"),
]


def test_a_resource_is_named_alike_in_the_list_and_in_the_trail(told: Told) -> None:
    hour = Hour(told, 1)
    spans = [span(0xE100 + i, 1, CALL, hour.since_s + 60 + i, **attributes) for i, (attributes, _, _) in enumerate(NAMED)]
    hour.send("namer", *spans)
    expected = {(kind, name) for _, kind, name in NAMED if name}
    hour.eventually("/resources", lambda answer: {(one["kind"], one["name"]) for one in answer["resources"]} == expected)
    for i, (_, kind, name) in enumerate(NAMED):
        columns = hour.eventually(f"/trails/{0xE100 + i:032x}/columns", lambda answer: answer["node_count"] == 1)
        words, found = columns["dictionary"], columns["resources"]
        assert [(words[a], words[b]) for a, b in zip(found["kind"], found["name"], strict=True)] == ([(kind, name)] if name else [])
    # The names of a call's tables are a list; the page of a table looks for its name.
    listed_trails = hour.eventually("/trails", lambda answer: answer["trails"], q="otel-table")["trails"]
    assert [one["trail_id"] for one in listed_trails] == [f"{0xE101:032x}"]


def test_messages_are_followed_by_their_ids_to_takers_that_name_no_queue(told: Told) -> None:
    hour = Hour(told, 2)
    at = hour.since_s + 600
    queue = {"messaging__system": "aws_sqs", "messaging__destination__name": "parcels", "messaging__operation__type": "send"}
    for i in range(4):
        hour.send("shop", span(0xE200 + i, 1, SEND, at + i, **queue, messaging__message__id=f"parcel-{i}"))
    # The first is taken once after 2 s, the second three times, the third by two consumers, the fourth never.
    takes = [(0, "packer", 2.0), (1, "packer", 1.0), (1, "packer", 5.0), (1, "packer", 9.0), (2, "packer", 1.0), (2, "auditor", 1.0)]
    for n, (message, service, after_s) in enumerate(takes):
        hour.send(service, span(0xE280 + n, 1, TAKE, at + message + after_s, messaging__message__id=f"parcel-{message}"))
    def whole(found: dict[str, Any]) -> bool:
        messages = found["messages"]
        delivered = sum(one["delivery_count"] for one in messages["consumers"])
        return (messages["sent_count"], messages["taken_count"], messages["redelivery_count"], delivered, found["calls"]["count"]) == (4, 3, 2, len(takes), 4)

    answer = hour.eventually("/resources/parcels", whole)
    messages = answer["messages"]
    assert (answer["kind"], answer["carries"]) == ("sqs", "queue")
    assert (messages["count"], messages["sent_count"], messages["untaken_count"]) == (4, 4, 1)
    assert (messages["redelivered_count"], messages["redelivery_count"]) == (1, 2)
    assert messages["wait_max_ms"] == pytest.approx(2000)
    assert messages["wait_p50_ms"] == pytest.approx(1000)
    assert messages["age_max_ms"] == pytest.approx(9000)
    assert messages["backlog"] is None
    assert {one["service"]: one["delivery_count"] for one in messages["consumers"]} == {"packer": 5, "auditor": 1}
    assert [(one["service"], one["operation"], one["count"]) for one in answer["calls"]["callers"]] == [("shop", "send", 4)]
    assert sum(point["count"] for point in messages["points"]) == 4


ROUTES = [
    ({"http__request__method": "GET", "http__route": "/orders/{order}", "url__path": "/orders/12345"}, "GET /orders/{order}"),
    ({"http__method": "post", "http__target": "/orders?draft=1"}, "POST /orders"),
    ({"http__request__method": "GET", "url__full": "https://shop.example.com/users/550e8400-e29b-41d4-a716-446655440000/cart"}, "GET /users/{id}/cart"),
    ({"http__request__method": "GET", "url__full": "https://shop.example.com/api/v2/items/7"}, "GET /api/v2/items/{id}"),
    ({"http__request__method": "GET", "url__full": "https://a1.execute-api.eu-central-1.amazonaws.com/live/history", "aws__xray__origin": "AWS::ApiGateway::Stage"}, "GET /history"),
    ({"http__request__method": "PUT", "url__full": "https://a1.example.com/dev/items", "aws__xray__resource_arn": "arn:aws:apigateway:eu-central-1::/restapis/a1/stages/dev"}, "PUT /items"),
]


def test_a_route_is_told_or_made_from_the_path_alike_in_the_list_and_in_the_trail(told: Told) -> None:
    hour = Hour(told, 3)
    hour.send("shop-api", *(span(0xE300 + i, 1, SERVE, hour.since_s + 60 + i, **attributes) for i, (attributes, _) in enumerate(ROUTES)))
    hour.eventually("/entries", lambda answer: {f"{one['method']} {one['route']}" for one in answer["entries"]} == {name for _, name in ROUTES})
    for i, (_, name) in enumerate(ROUTES):
        columns = hour.eventually(f"/trails/{0xE300 + i:032x}/columns", lambda answer: answer["node_count"] == 1)
        words, found = columns["dictionary"], columns["requests"]
        assert f"{words[found['method'][0]]} {words[found['route'][0]]}" == name


def test_an_entry_tells_its_statuses_and_a_functions_own_span_is_no_second_entry(told: Told) -> None:
    hour = Hour(told, 4)
    http = {"http__request__method": "POST", "http__route": "/pay"}
    for i, code in enumerate([200, 200, 502, 404]):
        outer = span(0xE400 + i, 1, SERVE, hour.since_s + 60 + i, failed=code >= 400, **http, http__response__status_code=code)
        inner = span(0xE400 + i, 2, SERVE, hour.since_s + 60.002 + i, parent=1, **http, http__response__status_code=code)
        hour.send("pay-api", outer, inner)
    answer = hour.eventually("/entries", lambda found: [one["count"] for one in found["entries"]] == [4])
    (entry,) = answer["entries"]
    assert entry["statuses"] == [{"status_code": 200, "count": 2}, {"status_code": 404, "count": 1}, {"status_code": 502, "count": 1}]
    # Who asks for what is not there has erred; the endpoint has not.
    assert entry["error_count"] == 1
    assert [one["status_code"] for one in entry["latest"]] == [404, 502, 200, 200]
    assert entry["latest"][0]["trail_id"] == f"{0xE403:032x}"


def test_durations_are_counted_in_cells_that_the_lists_filter_finds_again(told: Told) -> None:
    hour = Hour(told, 5)
    for i, took_s in enumerate([0.1, 0.11, 3.0]):
        hour.send("slow-api", span(0xE500 + i, 1, SERVE, hour.since_s + 120 + i, took_s=took_s, failed=took_s > 1))
    answer = hour.eventually("/durations", lambda found: sum(cell["count"] for cell in found["cells"]) == 3, service="slow-api")
    counts = sorted((cell["count"], cell["error_count"]) for cell in answer["cells"])
    assert counts == [(1, 1), (2, 0)]
    for cell in answer["cells"]:
        hour.eventually("/trails", lambda found, cell=cell: len(found["trails"]) == cell["count"], service="slow-api", min_ms=cell["low_ms"], max_ms=cell["high_ms"])
    assert hour.eventually("/durations", lambda _: True, service="nobody")["cells"] == []


def test_a_node_is_found_by_the_trail_that_it_is_on(told: Told) -> None:
    trail = told.well[-1].trace_id
    columns = HTTP.get(f"{told.url}/api/v1/trails/{trail}/columns", timeout=60).json()
    for node_id in columns["nodes"]["node_id"]:
        answer = HTTP.get(f"{told.url}/api/v1/nodes/{node_id}", params={"trail": trail}, timeout=60)
        assert answer.status_code == 200
        assert answer.json()["node"]["node_id"] == node_id
    assert HTTP.get(f"{told.url}/api/v1/nodes/0123456789abcdef", params={"trail": trail}, timeout=60).status_code == 404
