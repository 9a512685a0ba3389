"""Amazon S3: a bucket that tells of changes to its objects.

A notification names the request that made the change (`x-amz-request-id`), which is the request id that the
caller's SDK got: so caller and notification meet without a propagated context. Object keys are form-encoded in
S3's own notifications, and plain in EventBridge's.

Sources: Amazon S3 User Guide ("Event message structure", "Using EventBridge": `detail.request-id`, "Getting
Amazon S3 request IDs for AWS Support"), OpenTelemetry semantic conventions ("AWS SDK": `aws.request_id`, "S3":
`aws.s3.bucket`, `aws.s3.key`), AWS X-Ray SDK (`bucket_name`, `key` of an S3 call).
"""

from __future__ import annotations

from coldtrail.services.service import (
    CLIENT,
    CloudWatch,
    Condition,
    Derived,
    Envelope,
    Metric,
    Quota,
    Service,
    mentions,
    span_key,
    takes,
)

WRITES = Condition(
    ("rpc.method",),
    tuple(
        prefix + name
        for prefix in ("", "S3/")
        for name in (
            "PutObject",
            "CopyObject",
            "CompleteMultipartUpload",
            "DeleteObject",
            "DeleteObjects",
            "RestoreObject",
        )
    ),
)
"""The calls of which S3 sends notifications."""

NAMESPACE = "AWS/S3"
_MONITORING = 'Amazon S3 User Guide, "Amazon S3 metrics and dimensions"'
_FILTER = (
    "Turn on request metrics for the bucket, and send the namespace AWS/S3 in a metric stream; or trace the calls."
)


def _of(metric: str) -> tuple[CloudWatch, ...]:
    return (CloudWatch(NAMESPACE, metric, by="BucketName", also=("FilterId",)),)


METRICS = (
    Metric(
        id="requests",
        name="Requests",
        unit="count",
        stat="sum",
        high="more work, or a listing in a loop",
        low="nobody asks",
        trouble="requests are billed one by one",
        source=_MONITORING,
        cloudwatch=_of("AllRequests"),
        derived=Derived("calls.count", "calls in spans that name the bucket"),
        brings=_FILTER,
    ),
    Metric(
        id="client_errors",
        name="4xx errors",
        unit="count",
        stat="sum",
        high="no such key, or no permission",
        low="good",
        trouble="an object that is read before it is written shows here",
        source=_MONITORING,
        cloudwatch=_of("4xxErrors"),
        derived=Derived("failures.client_errors", "calls in spans that failed with 4xx"),
        brings=_FILTER,
    ),
    Metric(
        id="server_errors",
        name="5xx errors",
        unit="count",
        stat="sum",
        high="503 Slow Down: too many requests on one prefix",
        low="good",
        trouble="spread the keys over prefixes; SDKs retry",
        source=_MONITORING,
        cloudwatch=_of("5xxErrors"),
        derived=Derived("failures.server_errors", "calls in spans that failed with 5xx"),
        brings=_FILTER,
    ),
    Metric(
        id="latency",
        name="Request latency, p95",
        unit="ms",
        stat="p95",
        high="large objects, or retries after 503",
        low="good",
        trouble="the whole request, the body in it",
        source=_MONITORING,
        cloudwatch=_of("TotalRequestLatency"),
        derived=Derived("calls.p95", "durations of the calls in spans, network and retries in them"),
        brings=_FILTER,
    ),
)

QUOTAS = (
    Quota(
        id="s3.requests",
        name="Reads per second and prefix",
        value=5_500,
        unit="count",
        soft=False,
        per="resource",
        explained="5,500 reads and 3,500 writes a second for each prefix; it grows with the load, meanwhile 503 Slow Down.",
        source='Amazon S3 User Guide, "Best practices design patterns: optimizing Amazon S3 performance"',
        metric="requests",
        per_s=1,
    ),
)

S3 = Service(
    id="s3",
    name="Amazon S3",
    carries="bucket",
    keys=(
        span_key("gives", "event_id", "aws.request_id", span_kinds=(CLIENT,), when=(WRITES,)),
        span_key("mentions", "object", "aws.s3.key", under="aws.s3.bucket"),
        span_key("mentions", "object", "aws.xray.aws.key", under="aws.xray.aws.bucket_name"),
    ),
    envelopes=(
        Envelope(
            when=(("eventSource", ("aws:s3",)),),
            keys=(
                takes("event_id", "responseElements.x-amz-request-id"),
                mentions("object", "s3.bucket.name", "s3.object.key", url_coded=True),
                mentions("object", "s3.object.versionId"),
            ),
            destination="s3.bucket.name",
            sent="eventTime",
            order_group="s3.object.sequencer",
        ),
        Envelope(
            when=(("source", ("aws.s3",)), ("detail.request-id", ())),
            keys=(
                takes("event_id", "detail.request-id"),
                mentions("object", "detail.bucket.name", "detail.object.key"),
                mentions("object", "detail.object.version-id"),
            ),
            destination="detail.bucket.name",
            sent="time",
            order_group="detail.object.sequencer",
        ),
    ),
    metrics=METRICS,
    quotas=QUOTAS,
)
