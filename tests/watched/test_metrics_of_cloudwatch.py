"""Each metric that a service says is to be watched, from a record of a metric stream to the API.

The table is written by hand from AWS's documentation, so that a wrong name in a service's module is found.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from metric_stream import MINUTE_MS, point, record

import lambda_logs
from coldtrail.services import ALL_SERVICES
from running import Coldtrail, serving, wait_for

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:close"
F, T, Q, S, D = {"FunctionName": "place"}, {"TableName": "history"}, {"QueueName": "orders"}, {"StreamName": "clicks"}, {"DeliveryStreamName": "lake"}
INSIGHTS = {"function_name": "place"}
BUS, API, TOPIC, BUCKET = {"EventBusName": "shop"}, {"ApiName": "shop-api"}, {"TopicName": "news"}, {"BucketName": "files"}
POOL = {"UserPool": "eu-central-1_abc", "UserPoolClient": "web"}
NAMES = {"lambda": "place", "apigateway": "shop-api", "stepfunctions": "close", "dynamodb": "history", "sqs": "orders", "kinesis": "clicks", "firehose": "lake", "eventbridge": "shop", "sns": "news", "s3": "files", "cognito": "eu-central-1_abc"}

TABLE: list[tuple[str, str, str, str, dict[str, str], list[float], float]] = [
    ("lambda", "invocations", "AWS/Lambda", "Invocations", F, [1, 1, 1, 1], 4),
    ("lambda", "errors", "AWS/Lambda", "Errors", F, [0, 1, 0, 1], 2),
    ("lambda", "throttles", "AWS/Lambda", "Throttles", F, [1, 1, 1], 3),
    ("lambda", "concurrent_executions", "AWS/Lambda", "ConcurrentExecutions", F, [2, 7, 3], 7),
    ("lambda", "duration", "AWS/Lambda", "Duration", F, [100, 300], 200),
    ("lambda", "memory_used", "LambdaInsights", "used_memory_max", INSIGHTS, [80, 91], 91),
    ("lambda", "memory_size", "LambdaInsights", "total_memory", INSIGHTS, [128, 128], 128),
    ("lambda", "init_duration", "LambdaInsights", "init_duration", INSIGHTS, [400, 200], 300),
    ("lambda", "async_event_age", "AWS/Lambda", "AsyncEventAge", F, [30, 9000], 9000),
    ("lambda", "async_events_dropped", "AWS/Lambda", "AsyncEventsDropped", F, [1, 1], 2),
    ("lambda", "dead_letter_errors", "AWS/Lambda", "DeadLetterErrors", F, [1], 1),
    ("lambda", "iterator_age", "AWS/Lambda", "IteratorAge", F, [10, 65_000], 65_000),
    ("lambda", "account_concurrent_executions", "AWS/Lambda", "ConcurrentExecutions", {}, [20, 412], 412),
    ("lambda", "account_invocations", "AWS/Lambda", "Invocations", {}, [60, 40], 100),
    ("lambda", "account_errors", "AWS/Lambda", "Errors", {}, [3, 5], 8),
    ("lambda", "account_throttles", "AWS/Lambda", "Throttles", {}, [9], 9),
    ("apigateway", "requests", "AWS/ApiGateway", "Count", API, [1] * 8, 8),
    ("apigateway", "client_errors", "AWS/ApiGateway", "4XXError", API, [1, 1, 0, 0, 0, 0, 0, 0], 0.25),
    ("apigateway", "server_errors", "AWS/ApiGateway", "5XXError", API, [1, 0, 0, 0, 0, 0, 0, 0], 0.125),
    ("apigateway", "latency", "AWS/ApiGateway", "Latency", API, [20, 40], 30),
    ("apigateway", "integration_latency", "AWS/ApiGateway", "IntegrationLatency", API, [10, 30], 20),
    ("stepfunctions", "started", "AWS/States", "ExecutionsStarted", {"StateMachineArn": MACHINE}, [1, 1, 1], 3),
    ("stepfunctions", "succeeded", "AWS/States", "ExecutionsSucceeded", {"StateMachineArn": MACHINE}, [1, 1], 2),
    ("stepfunctions", "failed", "AWS/States", "ExecutionsFailed", {"StateMachineArn": MACHINE}, [1], 1),
    ("stepfunctions", "aborted", "AWS/States", "ExecutionsAborted", {"StateMachineArn": MACHINE}, [1], 1),
    ("stepfunctions", "timed_out", "AWS/States", "ExecutionsTimedOut", {"StateMachineArn": MACHINE}, [1], 1),
    ("stepfunctions", "throttled", "AWS/States", "ExecutionThrottled", {"StateMachineArn": MACHINE}, [4, 1], 5),
    ("stepfunctions", "execution_time", "AWS/States", "ExecutionTime", {"StateMachineArn": MACHINE}, [1000, 5000], 3000),
    ("dynamodb", "consumed_read", "AWS/DynamoDB", "ConsumedReadCapacityUnits", T, [0.5, 2], 2.5),
    ("dynamodb", "consumed_write", "AWS/DynamoDB", "ConsumedWriteCapacityUnits", T, [1, 3], 4),
    ("dynamodb", "provisioned_read", "AWS/DynamoDB", "ProvisionedReadCapacityUnits", T, [5], 5),
    ("dynamodb", "provisioned_write", "AWS/DynamoDB", "ProvisionedWriteCapacityUnits", T, [10], 10),
    ("dynamodb", "throttled_requests", "AWS/DynamoDB", "ThrottledRequests", T | {"Operation": "PutItem"}, [1, 1], 2),
    ("dynamodb", "user_errors", "AWS/DynamoDB", "UserErrors", {}, [1], 1),
    ("dynamodb", "system_errors", "AWS/DynamoDB", "SystemErrors", T | {"Operation": "Query"}, [1, 1, 1], 3),
    ("dynamodb", "latency", "AWS/DynamoDB", "SuccessfulRequestLatency", T | {"Operation": "PutItem"}, [4, 8], 6),
    ("sqs", "oldest_message_age", "AWS/SQS", "ApproximateAgeOfOldestMessage", Q, [12, 42], 42_000),
    ("sqs", "visible", "AWS/SQS", "ApproximateNumberOfMessagesVisible", Q, [3, 17], 17),
    ("sqs", "in_flight", "AWS/SQS", "ApproximateNumberOfMessagesNotVisible", Q, [2, 6], 6),
    ("sqs", "sent", "AWS/SQS", "NumberOfMessagesSent", Q, [1] * 5, 5),
    ("sqs", "received", "AWS/SQS", "NumberOfMessagesReceived", Q, [1] * 7, 7),
    ("sqs", "deleted", "AWS/SQS", "NumberOfMessagesDeleted", Q, [1] * 4, 4),
    ("sqs", "dead_letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "orders-dlq"}, [2, 3], 3),
    ("kinesis", "iterator_age", "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", S, [0, 8000], 8000),
    ("kinesis", "incoming_bytes", "AWS/Kinesis", "IncomingBytes", S, [1000, 2000], 3000),
    ("kinesis", "incoming_records", "AWS/Kinesis", "IncomingRecords", S, [1, 1, 1], 3),
    ("kinesis", "outgoing_bytes", "AWS/Kinesis", "GetRecords.Bytes", S, [3000], 3000),
    ("kinesis", "outgoing_records", "AWS/Kinesis", "GetRecords.Records", S, [2, 1], 3),
    ("kinesis", "write_throttled", "AWS/Kinesis", "WriteProvisionedThroughputExceeded", S, [1, 4], 5),
    ("kinesis", "read_throttled", "AWS/Kinesis", "ReadProvisionedThroughputExceeded", S, [2], 2),
    ("firehose", "incoming_bytes", "AWS/Firehose", "IncomingBytes", D, [500, 700], 1200),
    ("firehose", "incoming_records", "AWS/Firehose", "IncomingRecords", D, [3, 4], 7),
    ("firehose", "freshness", "AWS/Firehose", "DeliveryToS3.DataFreshness", D, [60, 300], 300_000),
    ("firehose", "delivery_success", "AWS/Firehose", "DeliveryToS3.Success", D, [1, 0], 0.5),
    ("firehose", "throttled_records", "AWS/Firehose", "ThrottledRecords", D, [11], 11),
    ("eventbridge", "triggered_rules", "AWS/Events", "TriggeredRules", BUS | {"RuleName": "to-mail"}, [1, 1], 2),
    ("eventbridge", "invocations", "AWS/Events", "Invocations", BUS | {"RuleName": "to-mail"}, [1, 1, 1], 3),
    ("eventbridge", "failed_invocations", "AWS/Events", "FailedInvocations", BUS | {"RuleName": "to-mail"}, [1], 1),
    ("eventbridge", "dead_letter_invocations", "AWS/Events", "InvocationsSentToDlq", BUS | {"RuleName": "to-mail"}, [1, 1], 2),
    ("eventbridge", "ingestion_to_invocation", "AWS/Events", "IngestionToInvocationSuccessLatency", BUS | {"RuleName": "to-mail"}, [40, 900], 900),
    ("sns", "published", "AWS/SNS", "NumberOfMessagesPublished", TOPIC, [1, 1, 1], 3),
    ("sns", "delivered", "AWS/SNS", "NumberOfNotificationsDelivered", TOPIC, [2, 2], 4),
    ("sns", "failed", "AWS/SNS", "NumberOfNotificationsFailed", TOPIC, [1], 1),
    ("sns", "dead_letters", "AWS/SNS", "NumberOfNotificationsRedrivenToDlq", TOPIC, [1, 1], 2),
    ("s3", "requests", "AWS/S3", "AllRequests", BUCKET | {"FilterId": "EntireBucket"}, [1] * 6, 6),
    ("s3", "client_errors", "AWS/S3", "4xxErrors", BUCKET | {"FilterId": "EntireBucket"}, [1, 0, 1], 2),
    ("s3", "server_errors", "AWS/S3", "5xxErrors", BUCKET | {"FilterId": "EntireBucket"}, [0, 1, 0], 1),
    ("s3", "latency", "AWS/S3", "TotalRequestLatency", BUCKET | {"FilterId": "EntireBucket"}, [30, 50], 40),
    ("cognito", "sign_ins", "AWS/Cognito", "SignInSuccesses", POOL, [1, 1, 0], 2),
    ("cognito", "sign_in_throttles", "AWS/Cognito", "SignInThrottles", POOL, [1, 0], 1),
    ("cognito", "sign_ups", "AWS/Cognito", "SignUpSuccesses", POOL, [1], 1),
    ("cognito", "token_refreshes", "AWS/Cognito", "TokenRefreshSuccesses", POOL, [1, 1], 2),
]

# What CloudWatch publishes besides, and must not be counted again: totals by version, alias, stage, method, rule.
BESIDES: list[tuple[str, str, dict[str, str], list[float]]] = [
    ("AWS/Lambda", "Invocations", F | {"Resource": "place:live"}, [1, 1, 1, 1]),
    ("AWS/Lambda", "Invocations", F | {"Resource": "place:live", "ExecutedVersion": "7"}, [1, 1, 1, 1]),
    ("AWS/Lambda", "Invocations", {"FunctionName": "other"}, [50]),
    ("AWS/ApiGateway", "Count", API | {"Stage": "live"}, [1] * 8),
    ("AWS/ApiGateway", "Count", API | {"Stage": "live", "Method": "GET", "Resource": "/x"}, [1] * 8),
    ("AWS/Events", "Invocations", {"RuleName": "nightly"}, [1] * 30),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "orders-2"}, [99]),
]


@pytest.fixture(scope="module")
def minute_ms() -> int:
    """The beginning of a minute that is over, so that nothing is cut off at now."""
    return time.time_ns() // 10**6 // MINUTE_MS * MINUTE_MS - 5 * MINUTE_MS


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory, minute_ms: int) -> Iterator[Coldtrail]:
    """A server that was sent every row of the tables in one delivery, and a percentile once."""
    with serving(tmp_path_factory.mktemp("streamed") / "data") as running:
        points = [point(namespace, metric, dimensions, minute_ms, values) for _, _, namespace, metric, dimensions, values, _ in TABLE]
        points += [point(namespace, metric, dimensions, minute_ms, values) for namespace, metric, dimensions, values in BESIDES]
        points.append(point("AWS/Lambda", "Duration", {"FunctionName": "precise"}, minute_ms, [100, 300], p95=290.0))
        assert lambda_logs.deliver(running, record(*points)).status_code == 200
        running.eventually("/functions/precise/metrics", lambda answer: told(answer, "duration")["source"] == "cloudwatch", 30)
        yield running


def told(answer: dict[str, Any], metric: str) -> dict[str, Any]:
    return next(one for one in answer["metrics"] if one["id"] == metric)


def ask(running: Coldtrail, service: str, name: str) -> dict[str, Any]:
    return running.api(f"/functions/{name}/metrics") if service == "lambda" else running.api(f"/resources/{name}/metrics", kind=service)


def test_every_metric_that_is_declared_is_in_the_table() -> None:
    declared = {(service.id, metric.id) for service in ALL_SERVICES for metric in service.metrics}
    assert declared == {(service, metric) for service, metric, *_ in TABLE}


@pytest.mark.parametrize(("service", "metric", "namespace", "name", "dimensions", "values", "expected"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE])
def test_a_metric_streams_record_is_charted(streamed: Coldtrail, minute_ms: int, service: str, metric: str, namespace: str, name: str, dimensions: dict[str, str], values: list[float], expected: float) -> None:
    found = told(ask(streamed, service, NAMES[service]), metric)
    assert found["source"] == "cloudwatch"
    assert [one["value"] for one in found["points"]] == [pytest.approx(expected)]
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
    rows = wait_for(lambda: streamed.api("/limits")["limits"], lambda rows: bool(rows))
    by_id = {(row["id"], row["resource"]): row for row in rows}
    account = by_id["lambda.concurrent_executions", "123456789012/eu-central-1"]
    assert (account["used"], account["limit"], account["share"], account["source"]) == (412, 1000, 0.412, "cloudwatch")
    assert by_id["sqs.retention", "orders"]["used"] == 42_000
    assert by_id["dynamodb.provisioned_write", "history"]["share"] == pytest.approx(4 / 60 / 10)
    assert by_id["apigateway.requests", "123456789012/eu-central-1"]["used"] == pytest.approx(8 / 60)
