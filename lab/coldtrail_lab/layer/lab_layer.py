# ruff: noqa: ANN001, ANN201, ANN202, ANN204
# mypy: ignore-errors
"""A Lambda layer that instruments any function: OpenTelemetry around the handler, each record, and each AWS call.

It takes the handler's place (as `AWS_LAMBDA_EXEC_WRAPPER` layers do) and calls the one in `ORIG_HANDLER`. With
`LAB_CONTEXT=all` it hands trace context on in whatever is sent and links what is taken to it; with `ids` it does
neither, but still names every message. Iterating `event["Records"]` opens the span of one record, as
opentelemetry-instrumentation-boto3sqs does for messages, so what is called meanwhile is called for that record.
"""

import base64
import importlib
import json
import os

from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

NAME = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
PROPAGATES = os.environ["LAB_CONTEXT"] == "all"

resource = {
    "service.name": NAME,
    "faas.name": NAME,
    "faas.instance": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
    "cloud.provider": "aws",
    "cloud.platform": "aws_lambda",
}
provider = TracerProvider(resource=Resource.create(resource))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("lab_layer")
cold = True


def hand_on(span, service, operation, params):
    """Put the context into what is sent."""
    if not PROPAGATES:
        return
    carrier = {}
    propagate.inject(carrier, context=trace.set_span_in_context(span))
    if (service, operation) == ("sqs", "SendMessage"):
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in carrier.items()}
        params["MessageAttributes"] = {**params.get("MessageAttributes", {}), **attributes}
    elif (service, operation) == ("stepfunctions", "StartExecution"):
        params["traceHeader"] = carrier.get("X-Amzn-Trace-Id", "")
        params["input"] = json.dumps({**json.loads(params["input"]), "context": carrier})
    elif (service, operation) == ("dynamodb", "PutItem"):
        params["Item"] = {**params["Item"], "context": json.dumps(carrier)}


def name_what_was_sent(span, service, operation, answer):
    """Botocore's instrumentation does not know the ids of most messages."""
    if (service, operation) == ("kinesis", "PutRecord"):
        span.set_attribute("aws.kinesis.sequence_number", answer["SequenceNumber"])
        span.set_attribute("aws.kinesis.shard_id", answer["ShardId"])
    elif (service, operation) == ("sns", "Publish"):
        span.set_attribute("messaging.message.id", answer["MessageId"])
    elif (service, operation) == ("stepfunctions", "StartExecution"):
        span.set_attribute("aws.step_functions.execution.arn", answer["executionArn"])
    elif (service, operation) == ("events", "PutEvents"):
        span.set_attribute("aws.eventbridge.event_id", answer["Entries"][0]["EventId"])


BotocoreInstrumentor().instrument(request_hook=hand_on, response_hook=name_what_was_sent)


def _json(text):
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_sqs(record):
    body = _json(record["body"])
    carrier = {name: one.get("stringValue", "") for name, one in record["messageAttributes"].items()}
    attributes = {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": record["eventSourceARN"].rsplit(":", 1)[-1],
        "messaging.message.id": record["messageId"],
        "messaging.message.delivery_count": int(record["attributes"]["ApproximateReceiveCount"]),
    }
    if body.get("Type") == "Notification":
        carrier |= {name: one.get("Value", "") for name, one in body.get("MessageAttributes", {}).items()}
        attributes["sns_message_id"] = body["MessageId"]
    elif "detail-type" in body:
        carrier |= body["detail"].get("context") or {}
        attributes["aws.eventbridge.event_id"] = body["id"]
    return carrier, attributes


def _of_kinesis(record):
    data = _json(base64.b64decode(record["kinesis"]["data"]))
    attributes = {
        "messaging.system": "aws_kinesis",
        "aws.kinesis.stream_name": record["eventSourceARN"].rsplit("/", 1)[-1],
        "aws.kinesis.sequence_number": record["kinesis"]["sequenceNumber"],
        "aws.kinesis.shard_id": record["eventID"].split(":")[0],
    }
    return {name: value for name, value in data.items() if isinstance(value, str)}, attributes


def _of_dynamodb(record):
    image = record["dynamodb"].get("NewImage", {})
    attributes = {
        "messaging.system": "aws_dynamodb",
        "messaging.destination.name": record["eventSourceARN"].split("/")[1],
        "aws.dynamodb.stream.event_id": record["eventID"],
    }
    return _json(image.get("context", {}).get("S", "")), attributes


ID_NAMES = {"messaging.message.id", "aws.kinesis.sequence_number", "aws.dynamodb.stream.event_id"}
READERS = {"aws:sqs": _of_sqs, "aws:kinesis": _of_kinesis, "aws:dynamodb": _of_dynamodb}


def _link(carrier):
    if not PROPAGATES:
        return []
    sent = trace.get_current_span(propagate.extract(carrier, context=otel_context.Context())).get_span_context()
    return [Link(sent)] if sent.is_valid else []


class Records(list):
    """The records of an event; the span of each is current while it is in hand."""

    current = None

    def __iter__(self):
        for record in list.__iter__(self):
            self._begin(record)
            yield record
            self.end()

    def _begin(self, record):
        carrier, attributes = READERS[record["eventSource"]](record)
        attributes["messaging.operation.type"] = "process"
        destination = attributes.get("messaging.destination.name") or attributes["aws.kinesis.stream_name"]
        span = tracer.start_span(
            f"process {destination}", kind=SpanKind.CONSUMER, links=_link(carrier), attributes=attributes
        )
        self.current = (span, otel_context.attach(trace.set_span_in_context(span)))

    def end(self, error=None):
        """End the span of the record in hand, if any."""
        if self.current:
            span, token = self.current
            self.current = None
            if error:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, str(error)))
            otel_context.detach(token)
            span.end()


def _parent(event):
    """A call hands the context in its headers, an execution in its input; otherwise in Lambda's own header."""
    if not PROPAGATES:
        return otel_context.Context()
    if "httpMethod" in event:
        return propagate.extract({"X-Amzn-Trace-Id": event["headers"].get("X-Amzn-Trace-Id", "")})
    if isinstance(event.get("context"), dict):
        return propagate.extract(event["context"])
    return otel_context.Context()


def _batch(records):
    """What the invocation's own span says of all records: links, and their ids as lists."""
    links, ids = [], {}
    for record in records:
        carrier, attributes = READERS[record["eventSource"]](record)
        links += _link(carrier)
        for name in ID_NAMES & attributes.keys():
            ids.setdefault(name, []).append(attributes[name])
    return links, ids


def handler(event, context):
    """Run the original handler in the span of its invocation."""
    global cold
    records = event.get("Records") if isinstance(event, dict) else None
    links, ids = _batch(records or [])
    if records is not None:
        event["Records"] = records = Records(records)
    trigger = "pubsub" if records is not None else "http" if "httpMethod" in event else "other"
    attributes = {
        "faas.invocation_id": context.aws_request_id,
        "faas.trigger": trigger,
        "faas.coldstart": cold,
        "cloud.resource_id": context.invoked_function_arn,
        **ids,
    }
    cold = False
    kind = SpanKind.CONSUMER if records is not None else SpanKind.SERVER
    parent = _parent(event)
    try:
        with tracer.start_as_current_span(NAME, context=parent, kind=kind, attributes=attributes, links=links):
            try:
                return original(event, context)
            except Exception as error:
                if records is not None:
                    records.end(error)
                raise
    finally:
        provider.force_flush()


module, _, function = os.environ["ORIG_HANDLER"].rpartition(".")
original = getattr(importlib.import_module(module), function)
