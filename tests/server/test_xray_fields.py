"""What the X-Ray SDK and boto3 send is found again in what the API says: every leaf of every document."""

from __future__ import annotations

import json
import os
import time
import traceback
from pathlib import Path
from typing import Any

import boto3
from aws_xray_sdk.core import AWSXRayRecorder
from aws_xray_sdk.core.context import Context

from running import Coldtrail

DOCUMENTS = Path(__file__).parents[1] / "data/xray"
STRUCTURE = ("id", "name", "trace_id", "parent_id", "start_time", "end_time", "in_progress", "subsegments")
"""Fields that are the span's own; compared one by one."""


def new_trace_id() -> str:
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        return [leaf for inner in (value.values() if isinstance(value, dict) else value) for leaf in leaves(inner)]
    return [value]


def told_by(span: dict[str, Any]) -> list[Any]:
    """Every value that a span says of itself: attributes, also those inside JSON text, stacks line by line."""
    found = []
    for attributes in (span["attributes"], span["resource"]["attributes"], *(one["attributes"] for one in span["events"] + span["links"])):
        for name, value in attributes.items():
            found += leaves(value)
            if name == "exception.stacktrace":
                found += value.splitlines()
            elif (isinstance(value, str) and value[:1] in '{["') or name.startswith("aws.xray.metadata."):
                found += leaves(json.loads(value))
    return found + [one[name] for one in span["links"] for name in ("trace_id", "span_id")] + [span["status"]["message"]]


def lost(document: dict[str, Any], spans: list[dict[str, Any]], parent: str = "") -> list[str]:
    """Which fields of a document, and of all that is embedded in it, no span tells."""
    span = next(one for one in spans if one["span_id"] == document["id"])
    told = {
        "name": span["name"] == document["name"],
        "trace_id": span["trace_id"] == document["trace_id"].replace("-", "")[1:] if "trace_id" in document else True,
        "parent_id": span["parent_span_id"] == document.get("parent_id", parent),
        "start_time": abs(span["start_time_unix_nano"] / 1e9 - document["start_time"]) < 1e-6,
        "end_time": abs(span["end_time_unix_nano"] / 1e9 - document.get("end_time", document["start_time"])) < 1e-6,
        "in_progress": span["attributes"].get("aws.xray.in_progress", False) == document.get("in_progress", False),
    }
    problems = [f"{document['name']}.{name}" for name, is_told in told.items() if not is_told]
    known = told_by(span)
    for name, value in document.items():
        if name in STRUCTURE:
            continue
        for leaf in leaves(frames_as_lines(value) if name == "cause" else value):
            plain = leaf.replace("-", "")[1:] if name == "links" and str(leaf).startswith("1-") else leaf
            if not any(one == plain and isinstance(one, bool) == isinstance(plain, bool) for one in known):
                problems.append(f"{document['name']}.{name}: {leaf!r}")
    return problems + [problem for inner in document.get("subsegments", []) for problem in lost(inner, spans, document["id"])]


def frames_as_lines(cause: Any) -> Any:
    """A stack of an exception as the lines that its event shows."""
    for exception in cause.get("exceptions", []) if isinstance(cause, dict) else []:
        exception["stack"] = [f'  File "{one["path"]}", line {one["line"]}, in {one["label"]}' for one in exception.get("stack", [])]
    return cause


def count(document: dict[str, Any]) -> int:
    return 1 + sum(map(count, document.get("subsegments", [])))


def test_no_field_of_what_the_sdk_sends_is_lost(coldtrail: Coldtrail) -> None:
    recorder = AWSXRayRecorder()
    recorder.configure(service="shop", sampling=False, daemon_address=coldtrail.xray, context=Context(), context_missing="RUNTIME_ERROR")
    segment = recorder.begin_segment("shop", traceid=new_trace_id(), parent_id=os.urandom(8).hex())
    segment.set_user("user-9")
    segment.set_service({"version": "1.2.3", "runtime": "CPython"})
    segment.set_rule_name("rule-7")
    segment.set_aws({"ec2": {"instance_id": "i-0b5a4678fc325bg98", "availability_zone": "eu-central-1c"}, "account_id": "123456789012"})
    segment.put_annotation("order", "o-1")
    segment.put_annotation("count", 3)
    segment.put_annotation("paid", True)
    segment.put_annotation("price", 9.75)
    segment.put_metadata("basket", {"items": [1, {"deep": None, "x": "y"}], "text": "grüße"}, "shop-meta")
    segment.put_metadata("plain", "value")
    for name, value in (("url", "https://shop.example/pay?x=1"), ("method", "POST"), ("user_agent", "curl/8"), ("client_ip", "192.0.2.7"), ("x_forwarded_for", True), ("status", 429), ("content_length", 4711)):
        segment.put_http_meta(name, value)
    segment.apply_status_code(429)
    query = recorder.begin_subsegment("orders@db", namespace="remote")
    query.set_sql({"url": "postgresql://db:5432/orders", "preparation": "statement", "database_type": "PostgreSQL", "database_version": "16", "driver_version": "3.1", "user": "dbuser", "sanitized_query": "SELECT ?", "odd": "kept"})
    recorder.begin_subsegment("DynamoDB", namespace="aws").set_aws({"operation": "PutItem", "table_name": "orders", "region": "eu-central-1", "request_id": "REQ1", "retries": 2, "resource_names": ["orders"], "xray": {"sdk": "embedded-sdk"}})
    recorder.end_subsegment()
    try:
        raise KeyError("gone")
    except KeyError as error:
        query.add_exception(error, traceback.extract_tb(error.__traceback__), remote=True)
    recorder.end_subsegment()
    recorder.end_segment()

    document = json.loads(segment.serialize())
    spans = coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == 3, trace_id=segment.trace_id)["spans"]
    assert lost(document, spans) == []
    outer, inner, call = (next(one for one in spans if one["name"] == name) for name in ("shop", "orders@db", "DynamoDB"))
    assert (outer["kind"], inner["kind"], call["kind"], outer["service"]) == (2, 3, 3, "shop")
    assert (outer["attributes"]["enduser.id"], outer["attributes"]["aws.xray.throttle"], outer["status"]["code"]) == ("user-9", True, 2)
    assert (outer["resource"]["attributes"]["service.version"], outer["resource"]["attributes"]["aws.xray.ec2.instance_id"]) == ("1.2.3", "i-0b5a4678fc325bg98")
    assert (inner["attributes"]["db.query.text"], inner["attributes"]["aws.xray.sql.odd"], call["attributes"]["aws.table_name"]) == ("SELECT ?", "kept", "orders")
    assert [(one["name"], one["attributes"]["exception.type"], one["attributes"]["exception.message"]) for one in inner["events"]] == [("exception", "KeyError", "'gone'")]


def everything() -> dict[str, Any]:
    """A document with every block that the guide names, and some that it does not; each leaf is there once."""
    return {
        "name": "every", "id": os.urandom(8).hex(), "trace_id": new_trace_id(), "parent_id": os.urandom(8).hex(), "start_time": 1.6e9, "end_time": 1.6e9 + 0.25,
        "origin": "AWS::ECS::Container", "user": "u-1", "fault": True, "error": False, "throttle": False, "resource_arn": "arn:aws:ecs:r:1:task/x", "precursor_ids": ["aaaaaaaaaaaaaaaa"],
        "service": {"version": "v9", "compiler": "jdk"}, "annotations": {"a": 1.25, "b": "text"}, "metadata": {"default": {"k": [1, 2]}, "flat": "scalar"},
        "http": {"request": {"method": "PUT", "url": "http://e", "traced": True, "headers": {"x-a": "1a"}}, "response": {"status": 500, "odd": "o1"}, "extra": "e1"},
        "aws": {"account_id": "42", "ecs": {"container": "c1"}, "eks": {"pod": "p1"}, "cloudwatch_logs": [{"log_group": "lg", "arn": "arn:lg"}], "xray": {"sdk": "sdk1", "auto": 7}, "unknown": {"deep": {"er": "d1"}}},
        "cause": {"working_directory": "/wd", "paths": ["lib.jar"], "exceptions": [
            {"id": "eeeeeeeeeeeeeeee", "type": "T1", "message": "m1", "remote": True, "truncated": 12, "skipped": 3, "cause": "ffffffffffffffff", "stack": [{"path": "p.py", "line": 1, "label": "f"}]},
            {"id": "1111111111111111", "message": "m2", "stack": [{"path": "q.py", "line": 2, "label": "g"}]},
        ]},
        "links": [{"trace_id": new_trace_id(), "id": os.urandom(8).hex(), "attributes": {"ReferenceType": "parent", "n": 5}}, {"trace_id": "odd", "id": "link"}],
        "what_nobody_knows": {"list": ["w1", {"x": "w2"}]},
        "subsegments": [
            {"name": "inner", "id": os.urandom(8).hex(), "start_time": 1.6e9, "end_time": 1.6e9 + 0.1, "namespace": "aws", "throttle": True, "cause": "abcdefabcdef0123",
             "aws": {"operation": "SendMessage", "queue_url": "https://q/1", "region": "eu-1", "xray": {"sdk": "inner-sdk"}}, "annotations": {"inner": "i1"},
             "subsegments": [{"name": "innermost", "id": os.urandom(8).hex(), "start_time": 1.6e9, "in_progress": True, "namespace": "remote", "sql": {"connection_string": "cs", "url": "u2"}}]},
        ],
    }


def test_no_field_of_what_boto3_puts_is_lost(coldtrail: Coldtrail) -> None:
    client = boto3.client("xray", endpoint_url=f"http://{coldtrail.xray}", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    documents = [everything()]
    for path in sorted(DOCUMENTS.glob("*.txt")):
        documents.append(json.loads(path.read_text()) | {"trace_id": new_trace_id()})
    broken = next(one for one in documents if "start_time" not in one)
    answer = client.put_trace_segments(TraceSegmentDocuments=list(map(json.dumps, documents)))
    assert [(one["Id"], one["ErrorCode"]) for one in answer["UnprocessedTraceSegments"]] == [(broken["id"], "MalformedSegment")]
    assert "start_time" in answer["UnprocessedTraceSegments"][0]["Message"]
    documents.remove(broken)
    assert len(documents) == 7
    for document in documents:
        spans = coldtrail.eventually("/spans", lambda answer, document=document: len(answer["spans"]) == count(document), trace_id=document["trace_id"])["spans"]
        assert lost(document, spans) == []


def test_a_function_that_the_sdk_describes_in_lambda_is_its_subsegments_service(coldtrail: Coldtrail) -> None:
    client = boto3.client("xray", endpoint_url=f"http://{coldtrail.xray}", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    trace_id, facade, request_id = new_trace_id(), os.urandom(8).hex(), f"8476a536-e9f4-11e8-9739-{os.urandom(6).hex()}"
    segment = {"name": "billing", "id": facade, "trace_id": trace_id, "start_time": 1.6e9, "in_progress": True, "origin": "AWS::Lambda::Function", "aws": {"request_id": request_id, "function_arn": "arn:aws:lambda:eu-central-1:1:function:billing"}}
    call = {"name": "DynamoDB", "id": os.urandom(8).hex(), "parent_id": facade, "type": "subsegment", "trace_id": trace_id, "start_time": 1.6e9 + 0.1, "end_time": 1.6e9 + 0.2, "namespace": "aws", "aws": {"operation": "GetItem"}}
    client.put_trace_segments(TraceSegmentDocuments=[json.dumps(call), json.dumps(segment)])
    early = coldtrail.eventually(f"/trails/{trace_id}", lambda answer: len(answer["nodes"]) == 2)
    assert [(one["kind"], one["service"], one["status"]) for one in early["nodes"]] == [("invocation", "billing", "open"), ("operation", "billing", "ok")]
    client.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment | {"in_progress": False, "end_time": 1.6e9 + 0.5, "fault": True, "cause": {"exceptions": [{"id": "a" * 16, "type": "OrderError", "message": "no such order"}]}})])
    late = coldtrail.eventually(f"/trails/{trace_id}", lambda answer: answer["nodes"][0]["status"] == "error")
    assert [(one["kind"], one["duration_ms"]) for one in late["nodes"]] == [("invocation", 500.0), ("operation", 100.0)]
    assert (late["nodes"][0]["failure"]["type"], late["nodes"][0]["failure"]["message"]) == ("OrderError", "no such order")
    assert late["nodes"][0]["keys"]["request_id"] == request_id


def test_subsegments_that_the_sdk_sends_ahead_are_their_segments_services(coldtrail: Coldtrail) -> None:
    """With a bound of 0 it sends each that is finished while its segment goes on; who sends them is known from the segment before."""
    recorder, shop = AWSXRayRecorder(), f"shop-{os.urandom(3).hex()}"
    recorder.configure(service=shop, sampling=False, daemon_address=coldtrail.xray, context=Context(), streaming_threshold=0)

    def told(trace_id: str, count: int) -> list[dict[str, Any]]:
        return coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == count, trace_id=trace_id)["spans"]

    first = recorder.begin_segment(shop, traceid=new_trace_id())
    recorder.end_segment()
    told(first.trace_id, 1)
    second = recorder.begin_segment(shop, traceid=new_trace_id())
    for name in ("orders", "prices"):
        with recorder.in_subsegment(name, namespace="remote"):
            pass
    ahead = told(second.trace_id, 2)
    assert [(one["name"], one["service"], one["parent_span_id"], one["resource"]["attributes"]["service.name"]) for one in sorted(ahead, key=lambda one: one["name"])] == [
        (name, shop, second.id, shop) for name in ("orders", "prices")
    ]
    recorder.end_segment()
    assert {one["service"] for one in told(second.trace_id, 3)} == {shop}


def test_subsegments_that_are_put_beside_their_segment_are_its_services_however_deep_and_in_any_order(coldtrail: Coldtrail) -> None:
    client = boto3.client("xray", endpoint_url=f"http://{coldtrail.xray}", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    trace_id, other, ids = new_trace_id(), new_trace_id(), [os.urandom(8).hex() for _ in range(5)]

    def document(number: int, of: str, **more: Any) -> str:
        return json.dumps({"name": f"part {number}", "id": ids[number], "trace_id": of, "start_time": 1.6e9, "end_time": 1.6e9 + 1, **more})

    apart = {"type": "subsegment", "namespace": "remote"}
    client.put_trace_segments(TraceSegmentDocuments=[
        document(2, trace_id, parent_id=ids[4], **apart),
        document(1, trace_id, parent_id=ids[0], subsegments=[{"name": "inner", "id": ids[4], "start_time": 1.6e9, "end_time": 1.6e9 + 1}], **apart),
        document(0, trace_id, name="billing", origin="AWS::ECS::Container"),
        document(3, other, parent_id=ids[0], **apart),
    ])
    spans = coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == 4, trace_id=trace_id)["spans"]
    assert {(one["name"], one["service"], one["resource"]["attributes"].get("cloud.platform")) for one in spans} == {(name, "billing", "aws_ecs") for name in ("billing", "part 1", "part 2", "inner")}
    (alone,) = coldtrail.eventually("/spans", lambda answer: answer["spans"], trace_id=other)["spans"]
    assert alone["service"] == "unknown_service", "a parent of another trace is none"


def test_an_sdk_that_asks_is_told_to_sample_everything(coldtrail: Coldtrail) -> None:
    client = boto3.client("xray", endpoint_url=f"http://{coldtrail.xray}", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    (rule,) = [one["SamplingRule"] for one in client.get_sampling_rules()["SamplingRuleRecords"]]
    assert (rule["RuleName"], rule["FixedRate"], rule["ServiceName"]) == ("Default", 1.0, "*")
    asked = {"RuleName": "Default", "ClientID": "0" * 24, "Timestamp": time.time(), "RequestCount": 5, "SampledCount": 5, "BorrowCount": 0}
    (target,) = client.get_sampling_targets(SamplingStatisticsDocuments=[asked])["SamplingTargetDocuments"]
    assert (target["RuleName"], target["FixedRate"], target["ReservoirQuotaTTL"].timestamp() > time.time()) == ("Default", 1.0, True)
    told = client.put_telemetry_records(TelemetryRecords=[{"Timestamp": time.time(), "SegmentsSentCount": 1}])
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 200
