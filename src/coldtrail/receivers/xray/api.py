"""The part of the X-Ray API that senders speak, as bodies in and out.

Source: AWS X-Ray API reference, "PutTraceSegments", "GetSamplingRules", "GetSamplingTargets".
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Export, Malformed, Translation
from coldtrail.receivers.bounds import check_json
from coldtrail.receivers.xray.documents import count_spans, document_id, translate_document
from coldtrail.receivers.xray.emitters import name_subsegments


class PutResult(Struct, frozen=True):
    """What became of a PutTraceSegments call; ``answer`` is its JSON answer."""

    translation: Translation
    answer: bytes


def together(documents: Sequence[ExportTraceServiceRequest]) -> tuple[Export, ...]:
    """Return one export of all documents, none where there are none.

    Serialised messages that follow each other are one message with the fields of both (protobuf encoding).
    """
    body = b"".join(one.SerializeToString() for one in documents)
    return (Export("traces", body, sum(map(count_spans, documents))),) if documents else ()


class _Put(Struct):
    documents: list[str] = msgspec.field(name="TraceSegmentDocuments")


def put_trace_segments(body: bytes) -> PutResult:
    """Translate the documents of a call; bad ones are answered as unprocessed, the others are kept.

    Raises:
        Malformed: the body is no such call.
        TooLarge: it holds more than there is memory for.
    """
    check_json(body)
    try:
        documents = msgspec.json.decode(body, type=_Put).documents
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not a PutTraceSegments request: {error}") from None
    translated, unprocessed, reasons = [], [], []
    for document in documents:
        try:
            translated.append(translate_document(document.encode("utf-8", "replace")))
        except Malformed as error:
            reasons.append(str(error))
            unprocessed.append(
                {"Id": document_id(document), "ErrorCode": "MalformedSegment", "Message": str(error)[:500]}
            )
    name_subsegments(translated)
    translation = Translation(together(translated), len(unprocessed), tuple(reasons[:20]))
    return PutResult(translation, msgspec.json.encode({"UnprocessedTraceSegments": unprocessed}))


_DEFAULT_RULE = {
    "RuleName": "Default",
    "RuleARN": "arn:aws:xray:local:000000000000:sampling-rule/Default",
    "ResourceARN": "*",
    "Priority": 10_000,
    "FixedRate": 1.0,
    "ReservoirSize": 1_000,
    "ServiceName": "*",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
    "Attributes": {},
}


def sampling_rules() -> bytes:
    """Return the answer of GetSamplingRules: one default rule that samples everything, since data stays here."""
    record = {"SamplingRule": _DEFAULT_RULE, "CreatedAt": 0.0, "ModifiedAt": 0.0}
    return msgspec.json.encode({"SamplingRuleRecords": [record], "NextToken": None})


def sampling_targets(now_s: float) -> bytes:
    """Return the answer of GetSamplingTargets at Unix time ``now_s``: go on sampling everything."""
    target = {
        "RuleName": "Default",
        "FixedRate": 1.0,
        "ReservoirQuota": 1_000,
        "ReservoirQuotaTTL": now_s + 3_600,
        "Interval": 300,
    }
    return msgspec.json.encode(
        {"SamplingTargetDocuments": [target], "LastRuleModification": 0.0, "UnprocessedStatistics": []}
    )
