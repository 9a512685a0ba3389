"""Each metric that a service says is to be watched, from a record of a metric stream to the API."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from cloudwatch_table import BESIDES, NAMES, TABLE
from metric_stream import MINUTE_MS, point, record

import lambda_logs
from coldtrail.services import ALL_SERVICES
from otlp import span, traces
from running import Coldtrail, wait_for


@pytest.fixture(scope="module")
def minute_ms() -> int:
    """The beginning of a minute that is over, so that nothing is cut off at now."""
    return time.time_ns() // 10**6 // MINUTE_MS * MINUTE_MS - 5 * MINUTE_MS


@pytest.fixture(scope="module")
def streamed(server: Coldtrail, minute_ms: int) -> Coldtrail:
    """The server, once it was sent every row of the tables in one delivery, and a percentile once."""
    points = [point(namespace, metric, dimensions, minute_ms, values) for _, _, namespace, metric, dimensions, values, _ in TABLE]
    points += [point(namespace, metric, dimensions, minute_ms, values) for namespace, metric, dimensions, values in BESIDES]
    points.append(point("AWS/Lambda", "Duration", {"FunctionName": "precise"}, minute_ms, [100, 300], p95=290.0))
    assert lambda_logs.deliver(server, record(*points)).status_code == 200
    server.eventually("/functions/precise/metrics", lambda answer: told(answer, "duration")["source"] == "cloudwatch")
    return server


def told(answer: dict[str, Any], metric: str) -> dict[str, Any]:
    return next(one for one in answer["metrics"] if one["id"] == metric)


def ask(running: Coldtrail, service: str, name: str) -> dict[str, Any]:
    return running.api(f"/functions/{name}/metrics") if service == "lambda" else running.api(f"/resources/{name}/metrics", kind=service)


def test_every_metric_that_is_declared_is_in_the_table() -> None:
    declared = {(service.id, metric.id) for service in ALL_SERVICES for metric in service.metrics}
    assert declared == {(service, metric) for service, metric, *_ in TABLE}


@pytest.mark.parametrize(("service", "metric", "namespace", "name", "dimensions", "values", "expected"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE])
def test_a_metric_streams_record_is_charted(streamed: Coldtrail, minute_ms: int, service: str, metric: str, namespace: str, name: str, dimensions: dict[str, str], values: list[float], expected: float) -> None:
    def charted(found: dict[str, Any]) -> bool:
        return (found["source"], [one["value"] for one in found["points"]]) == ("cloudwatch", [pytest.approx(expected)])

    found = wait_for(lambda: told(ask(streamed, service, NAMES[service]), metric), charted)
    started_s = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(minute_ms / 1000))
    assert found["points"][0]["time"].startswith(started_s)
    assert {"namespace": namespace, "metric": name} in [{key: one[key] for key in ("namespace", "metric")} for one in found["cloudwatch"]]
    assert all(found[word] for word in ("name", "unit", "high", "low", "trouble", "documentation", "how"))


def test_the_default_buss_rules_are_added_up_although_nothing_names_the_bus(streamed: Coldtrail) -> None:
    found = told(ask(streamed, "eventbridge", "default"), "invocations")
    assert [one["value"] for one in found["points"]] == [30]


def test_a_percentile_is_shown_where_the_stream_sends_it_and_else_the_average_is_said_to_be_one(streamed: Coldtrail) -> None:
    precise = told(ask(streamed, "lambda", "precise"), "duration")
    assert (precise["statistic"], precise["points"][0]["value"]) == ("p95", 290)
    assert told(ask(streamed, "lambda", "place"), "duration")["statistic"] == "avg"


def test_what_no_signal_tells_says_what_would_bring_it(streamed: Coldtrail) -> None:
    for metric in ask(streamed, "lambda", "nobody")["metrics"]:
        if metric["scope"] == "resource":
            assert metric["source"] == "absent"
            assert "metric stream" in metric["how"] or "Lambda Insights" in metric["how"]
            assert metric["points"] == []


def test_an_unknown_kind_is_refused_with_those_that_there_are(streamed: Coldtrail) -> None:
    answer = streamed.get("/resources/orders/metrics", kind="fax")
    assert answer.status_code == 404
    assert "sqs" in answer.json()["detail"]


def test_use_of_a_quota_comes_from_the_stream_too(streamed: Coldtrail) -> None:
    def by_quota() -> dict[tuple[str, str], dict[str, Any]]:
        return {(row["id"], row["resource"]): row for row in streamed.api("/limits", limit=1000)["limits"]}

    named = {("lambda.concurrent_executions", "123456789012/eu-central-1"), ("sqs.retention", "orders"), ("dynamodb.provisioned_write", "history"), ("apigateway.requests", "123456789012/eu-central-1")}
    by_id = wait_for(by_quota, lambda rows: named <= rows.keys() and all(rows[one]["used"] for one in named))
    account = by_id["lambda.concurrent_executions", "123456789012/eu-central-1"]
    assert (account["used"], account["limit"], account["share"], account["source"]) == (412, 1000, 0.412, "cloudwatch")
    assert by_id["sqs.retention", "orders"]["used"] == 42_000
    assert by_id["dynamodb.provisioned_write", "history"]["share"] == pytest.approx(4 / 60 / 10)
    assert by_id["apigateway.requests", "123456789012/eu-central-1"]["used"] == pytest.approx(8 / 60)


def test_a_dead_letter_queue_of_any_name_is_known_by_the_messages_that_went_there(streamed: Coldtrail, minute_ms: int) -> None:
    id_, request_id = str(uuid.uuid4()), str(uuid.uuid4())
    sent = span("send", service="desk", kind=4, start_ns=minute_ms * 10**6, attributes={"messaging.system": "aws_sqs", "messaging.destination.name": "parcels", "messaging.message.id": id_})
    assert streamed.post("/v1/traces", traces(sent)).status_code == 200
    # Who takes it logs the event, as Powertools does: it names the queue that gave it up, and the one that it is from.
    given_up = {"ApproximateReceiveCount": "4", "DeadLetterQueueSourceArn": "arn:aws:sqs:eu-central-1:1:parcels"}
    event = {"Records": [{"messageId": id_, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:returned-mail", "body": "{}", "attributes": given_up}]}
    said = json.dumps({"level": "INFO", "message": event, "function_request_id": request_id})
    lines = lambda_logs.payload("/aws/lambda/rescuer", [f"START RequestId: {request_id} Version: 1", said, lambda_logs.report(request_id)], start_ms=minute_ms + 9_000)
    visible = point("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "returned-mail"}, minute_ms, [2, 4])
    assert lambda_logs.deliver(streamed, record(visible), lines).status_code == 200
    found = wait_for(lambda: told(ask(streamed, "sqs", "parcels"), "dead_letters"), lambda one: one["source"] == "cloudwatch", 120)
    assert [one["value"] for one in found["points"]] == [4]
