"""Amazon S3: a bucket that tells of changes to its objects.

A notification names the request that made the change (`x-amz-request-id`), which is the request id that the
caller's SDK got: so caller and notification meet without a propagated context. Object keys are form-encoded in
S3's own notifications, and plain in EventBridge's.

Sources: Amazon S3 User Guide ("Event message structure", "Using EventBridge": `detail.request-id`, "Getting
Amazon S3 request IDs for AWS Support"), OpenTelemetry semantic conventions ("AWS SDK": `aws.request_id`, "S3":
`aws.s3.bucket`, `aws.s3.key`), AWS X-Ray SDK (`bucket_name`, `key` of an S3 call).
"""

from __future__ import annotations

from coldtrail.services.service import CLIENT, Condition, Envelope, Service, mentions, span_key, takes

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
)
