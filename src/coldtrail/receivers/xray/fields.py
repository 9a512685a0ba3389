"""Fields of a segment as attributes: by the conventions where they have a name, else under `aws.xray.*`.

Source: AWS X-Ray Developer Guide, "X-Ray segment documents"; OpenTelemetry semantic conventions for HTTP,
database and cloud resources.
"""

from __future__ import annotations

from typing import Any

import msgspec

from coldtrail.model.signals import AttributeValue

Attributes = dict[str, AttributeValue]

_PLATFORM = {
    "AWS::Lambda": "aws_lambda",
    "AWS::Lambda::Function": "aws_lambda",
    "AWS::EC2::Instance": "aws_ec2",
    "AWS::ECS::Container": "aws_ecs",
    "AWS::ElasticBeanstalk::Environment": "aws_elastic_beanstalk",
    "AWS::EKS::Container": "aws_eks",
}
_LAMBDA = ("AWS::Lambda", "AWS::Lambda::Function")

_HTTP = {
    ("request", "method"): "http.request.method",
    ("request", "url"): "url.full",
    ("request", "client_ip"): "client.address",
    ("request", "user_agent"): "user_agent.original",
    ("request", "x_forwarded_for"): "aws.xray.x_forwarded_for",
    ("request", "traced"): "aws.xray.http.traced",
    ("response", "status"): "http.response.status_code",
    ("response", "content_length"): "http.response.body.size",
}
_SQL = {
    "url": "db.connection_string",
    "connection_string": "db.connection_string",
    "database_type": "db.system.name",
    "database_version": "db.system.version",
    "driver_version": "db.driver.version",
    "user": "db.user",
    "preparation": "aws.xray.sql.preparation",
    "sanitized_query": "db.query.text",
}
_AWS = {
    "operation": "rpc.method",
    "account_id": "aws.xray.account_id",
    "region": "cloud.region",
    "request_id": "aws.request_id",
    "queue_url": "aws.sqs.queue.url",
    "table_name": "aws.table_name",
    "function_arn": "aws.lambda.invoked_arn",
    "cold_start": "faas.coldstart",
}
_STRUCTURE = frozenset(
    [
        "name",
        "id",
        "trace_id",
        "parent_id",
        "start_time",
        "end_time",
        "in_progress",
        "subsegments",
        "fault",
        "error",
        "throttle",
        "cause",
        "http",
        "sql",
        "aws",
        "annotations",
        "metadata",
        "links",
    ]
)


_RESOURCES = ("ec2", "ecs", "elastic_beanstalk", "eks", "cloudwatch_logs", "xray")
"""Blocks of `aws` that tell who emitted a segment; what a subsegment embedded in it says there is its own."""


def json_text(value: Any) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()


def plain(value: Any) -> AttributeValue:
    """Return a scalar as it is, anything else as JSON text."""
    return value if isinstance(value, str | bool | int | float) else json_text(value)


def resource_attributes(segment: dict[str, Any]) -> Attributes:
    """Return who emitted a document: a segment's own name, an independent subsegment's function where it is told."""
    origin = str(segment.get("origin") or "")
    aws = segment.get("aws") if isinstance(segment.get("aws"), dict) else {}
    found: Attributes = {"cloud.provider": "aws"}
    if segment.get("type") != "subsegment":
        found["service.name"] = str(segment.get("name"))
    if origin in _LAMBDA:
        found["faas.name"] = str(segment.get("name"))
    if platform := _PLATFORM.get(origin):
        found["cloud.platform"] = platform
    if isinstance(aws, dict):
        arn = aws.get("function_arn") or segment.get("resource_arn")
        if arn:
            found["cloud.resource_id"] = str(arn)
        if account := aws.get("account_id"):
            found["cloud.account.id"] = str(account)
        for group in _RESOURCES:
            if group in aws:
                _flatten(aws[group], f"aws.xray.{group}", found)
    service = segment.get("service")
    if isinstance(service, dict) and service.get("version"):
        found["service.version"] = str(service["version"])
    return found


def span_attributes(segment: dict[str, Any], *, embedded: bool = False) -> Attributes:
    """Return every field of a segment that is neither the span's own structure nor told by its resource.

    ``embedded``: it stands inside another segment, so that the resource is not made of it.
    """
    found: Attributes = {}
    for name in ("error", "fault", "throttle"):
        if name in segment:
            found[f"aws.xray.{name}"] = bool(segment[name])
    for name, value in segment.items():
        if name not in _STRUCTURE and value is not None:
            known = {
                "origin",
                "namespace",
                "type",
                "user",
                "precursor_ids",
                "resource_arn",
                "service",
                "inferred",
                "traced",
            }
            prefix = "aws.xray." if name in known else "aws.xray.document."
            _flatten(value, f"{prefix}{name}", found)
    if isinstance(user := segment.get("user"), str):
        found["enduser.id"] = user
    for name in ("http", "sql", "aws", "annotations", "metadata"):
        if name in segment and not isinstance(segment[name], dict):
            _flatten(segment[name], f"aws.xray.{name}", found)
    _http(segment.get("http"), found)
    _named(segment.get("sql"), _SQL, "aws.xray.sql", found)
    _aws(segment, found, embedded=embedded)
    annotations, metadata = segment.get("annotations"), segment.get("metadata")
    _flatten(annotations if isinstance(annotations, dict) else None, "aws.xray.annotations", found)
    for namespace, values in metadata.items() if isinstance(metadata, dict) else ():
        if isinstance(values, dict):
            for name, value in values.items():
                found[f"aws.xray.metadata.{namespace}.{name}"] = json_text(value)
        else:
            found[f"aws.xray.metadata.{namespace}"] = json_text(values)
    return found


def _flatten(value: Any, prefix: str, found: Attributes, depth: int = 0) -> None:
    if isinstance(value, dict) and value and depth < 8:
        for name, inner in value.items():
            _flatten(inner, f"{prefix}.{name}", found, depth + 1)
    elif value is not None:
        found[prefix] = plain(value)


def _named(block: Any, names: dict[str, str], prefix: str, found: Attributes) -> None:
    for name, value in block.items() if isinstance(block, dict) else ():
        if name in names and isinstance(value, str | bool | int | float):
            found.setdefault(names[name], value)
            if found[names[name]] != value:
                found[f"{prefix}.{name}"] = value
        else:
            _flatten(value, f"{prefix}.{name}", found)


def _http(block: Any, found: Attributes) -> None:
    for side, values in block.items() if isinstance(block, dict) else ():
        if not isinstance(values, dict) or not values:
            _flatten(values, f"aws.xray.http.{side}", found)
        for name, value in values.items() if isinstance(values, dict) else ():
            if attribute := _HTTP.get((side, name)):
                found[attribute] = plain(value)
            else:
                _flatten(value, f"aws.xray.http.{side}.{name}", found)


def _aws(segment: dict[str, Any], found: Attributes, *, embedded: bool) -> None:
    block = segment.get("aws")
    if not isinstance(block, dict):
        return
    own = block if embedded else {name: value for name, value in block.items() if name not in _RESOURCES}
    _named(own, _AWS, "aws.xray.aws", found)
    if segment.get("origin") in _LAMBDA and isinstance(block.get("request_id"), str):
        found["faas.invocation_id"] = block["request_id"]
