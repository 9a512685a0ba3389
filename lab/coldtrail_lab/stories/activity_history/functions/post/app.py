"""POST /activity: puts the activity on the stream. Instrumented with the OpenTelemetry SDK."""

import json
import os
import time
import uuid

if ahead_s := float(os.environ.get("CLOCK_AHEAD_S") or 0):
    # A host whose clock is wrong; before anything else reads it.
    _time_ns = time.time_ns
    time.time_ns = lambda: _time_ns() + int(ahead_s * 1e9)
    time.time = lambda: time.time_ns() / 1e9

import boto3
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

NAME = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
STREAM = os.environ["STREAM"]
LOST_CONTEXT = os.environ.get("LOST_CONTEXT") == "1"

provider = TracerProvider(resource=Resource.create({"service.name": NAME, "faas.name": NAME, "cloud.provider": "aws"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)


def name_the_record(span, service, operation, result):
    """Botocore's instrumentation does not know sequence numbers; the trail needs them."""
    if service == "kinesis" and operation == "PutRecord" and "SequenceNumber" in result and not LOST_CONTEXT:
        span.set_attribute("aws.kinesis.stream_name", STREAM)
        span.set_attribute("aws.kinesis.sequence_number", result["SequenceNumber"])
        span.set_attribute("aws.kinesis.shard_id", result["ShardId"])


BotocoreInstrumentor().instrument(response_hook=name_the_record)
kinesis = boto3.client("kinesis")


def handler(event, context):
    """Put one activity on the stream and answer with its id."""
    activity = json.loads(event["body"])
    user = event["headers"].get("x-user-id", "unknown")
    activity_id, correlation_id = activity.get("id") or str(uuid.uuid4()), f"act-{uuid.uuid4().hex[:12]}"
    span = trace.get_current_span()
    span.set_attribute("enduser.id", user)
    span.set_attribute("activity.id", activity_id)
    span.set_attribute("correlation_id", correlation_id)
    record = {"id": activity_id, "user_id": user, "correlation_id": correlation_id, **activity}
    if not LOST_CONTEXT:
        propagate.inject(record)
    else:
        del record["correlation_id"]
    put = kinesis.put_record(StreamName=STREAM, PartitionKey=user, Data=json.dumps(record).encode())
    line = {"level": "INFO", "message": "activity accepted", "user_id": user, "activity_id": activity_id}
    if "correlation_id" in record:
        line["correlation_id"] = correlation_id
    if not LOST_CONTEXT:
        line |= {"put_sequence_number": put["SequenceNumber"], "stream_name": STREAM}
    print(json.dumps(line))
    return {"statusCode": 202, "body": json.dumps({"id": activity_id})}


AwsLambdaInstrumentor().instrument()
