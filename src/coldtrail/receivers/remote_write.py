"""Prometheus remote write 1.0: series of samples, as OTLP metrics.

Source: "Prometheus Remote-Write 1.0 specification"; OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility"
(`job` is `service.name`; staleness markers are points without a value). The protocol does not say what kind a series is:
the metadata of the same request may; else `_total`, `_bucket`, `_count` and `_sum` are counters by Prometheus' naming rules,
anything else a gauge. Native histograms become exponential ones.
"""

from __future__ import annotations

import struct
from typing import Any

import cramjam
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from coldtrail.model.exports import Export, Malformed, TooLarge, Translation
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.content_encoding import UnknownEncoding
from coldtrail.receivers.remote_write_messages import WriteRequest

MOST_SAMPLES = 500_000
MOST_BUCKETS = 10_000
LATEST_MS = 4_102_444_800_000
STALE = 0x7FF0000000000002
"""The NaN that says that a series has ended. Source: Prometheus, `model/value/value.go`."""
SCOPE = "coldtrail.remote_write"

_COUNTER_SUFFIXES = ("_total", "_bucket", "_count", "_sum")
_COUNTER, _GAUGE = 1, 2
_NO_RECORDED_VALUE = 1


CONTENT_TYPES = ("application/x-protobuf", "application/x-protobuf;proto=prometheus.writerequest")
"""In lower case; version 2.0 has `proto=io.prometheus.write.v2.Request`."""


def inflate(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """Return the content of a snappy block, whose length is known before it is inflated.

    Raises:
        UnknownEncoding: it is compressed with something else.
        Malformed: it is no snappy block.
        TooLarge: it says that it holds more than ``most_bytes``.
    """
    if encoding.strip().lower() != "snappy":
        raise UnknownEncoding(f'content encoding "{encoding[:40]}" is not snappy')
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > most_bytes:
            raise TooLarge(f"the body inflates to {size} bytes, the bound is {most_bytes}")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise Malformed(f"the body is not compressed with snappy's block format: {error}") from None


def translate(body: bytes) -> Translation:
    """Translate one write request, already inflated; a series or sample that breaks a rule is refused, the rest is kept.

    Raises:
        Malformed: it is no `prometheus.WriteRequest`.
        TooLarge: it holds more samples than there is memory for.
    """
    try:
        written: Any = WriteRequest.FromString(body)
    except DecodeError:
        raise Malformed("the body is not a prometheus.WriteRequest: it is not protobuf, or cut short") from None
    if sum(len(one.samples) + len(one.histograms) for one in written.timeseries) > MOST_SAMPLES:
        raise TooLarge(f"the request holds more than {MOST_SAMPLES} samples: send smaller batches")
    builder = _Builder({one.metric_family_name: one for one in written.metadata})
    for series in written.timeseries:
        builder.add(series)
    return builder.translation()


class _Builder:
    def __init__(self, metadata: dict[str, Any]) -> None:
        self._metadata = metadata
        self._request = ExportMetricsServiceRequest()
        self._scopes: dict[tuple[str, str], Any] = {}
        self._metrics: dict[tuple[str, str, str, bool], Any] = {}
        self._points = 0
        self._refused: dict[str, int] = {}

    def translation(self) -> Translation:
        exports = (Export("metrics", self._request.SerializeToString(), self._points),) if self._points else ()
        reasons = tuple(f"{many} x {reason}" for reason, many in self._refused.items())
        return Translation(exports, sum(self._refused.values()), reasons)

    def add(self, series: Any) -> None:
        names = [one.name for one in series.labels]
        labels = {one.name: one.value for one in series.labels if one.value}
        name = labels.pop("__name__", "")
        if not name or len(set(names)) < len(names) or "" in names:
            self._refuse("a series needs __name__ and labels with different names", len(series.samples) or 1)
            return
        attributes = [key_value(key, value) for key, value in sorted(labels.items())]
        for sample in series.samples:
            if 0 < sample.timestamp < LATEST_MS:
                self._sample(self._metric(name, labels, is_histogram=False), sample, attributes)
            else:
                self._refuse("timestamp must be Unix milliseconds before 2100", 1)
        for histogram in series.histograms:
            self._histogram(name, labels, histogram, attributes)
        if series.samples:
            self._exemplars(self._metric(name, labels, is_histogram=False), series)

    def _refuse(self, reason: str, many: int) -> None:
        self._refused[reason] = self._refused.get(reason, 0) + many

    def _family(self, name: str) -> tuple[Any, bool]:
        """The metadata of a series' family, and whether the series is one of a counter."""
        for suffix in ("", *_COUNTER_SUFFIXES):
            known = self._metadata.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
            if known is not None:
                return known, known.type == _COUNTER or bool(suffix)
        return None, name.endswith(_COUNTER_SUFFIXES)

    def _metric(self, name: str, labels: dict[str, str], *, is_histogram: bool) -> Any:
        job, instance = labels.get("job", ""), labels.get("instance", "")
        known, is_counter = self._family(name)
        place = (job, instance, name, is_histogram)
        if place not in self._metrics:
            scope = self._scope(job, instance)
            metric = scope.metrics.add(
                name=name, unit=known.unit if known else "", description=known.help if known else ""
            )
            if is_histogram:
                metric.exponential_histogram.aggregation_temporality = 2
            elif is_counter:
                metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
            else:
                metric.gauge.SetInParent()
            self._metrics[place] = metric
        return self._metrics[place]

    def _scope(self, job: str, instance: str) -> Any:
        if (job, instance) not in self._scopes:
            group = self._request.resource_metrics.add()
            told = {"service.name": job, "service.instance.id": instance}
            group.resource.attributes.extend(key_value(key, value) for key, value in told.items() if value)
            scope = group.scope_metrics.add()
            scope.scope.name = SCOPE
            self._scopes[job, instance] = scope
        return self._scopes[job, instance]

    def _sample(self, metric: Any, sample: Any, attributes: list[Any]) -> None:
        point = getattr(metric, metric.WhichOneof("data")).data_points.add(time_unix_nano=sample.timestamp * 10**6)
        if sample.value != sample.value:
            # The marker of an end, and any other NaN: there is no value.
            point.flags = _NO_RECORDED_VALUE
        else:
            point.as_double = sample.value
        point.attributes.extend(attributes)
        self._points += 1

    def _exemplars(self, metric: Any, series: Any) -> None:
        """An exemplar stands by the last sample; its labels may hold a trace id."""
        points = getattr(metric, metric.WhichOneof("data")).data_points
        if not points:
            return
        for one in series.exemplars:
            labels = {label.name: label.value for label in one.labels}
            trace_id, span_id = _hex(labels.pop("trace_id", ""), 16), _hex(labels.pop("span_id", ""), 8)
            if trace_id and 0 < one.timestamp < LATEST_MS:
                points[-1].exemplars.add(
                    time_unix_nano=one.timestamp * 10**6, as_double=one.value, trace_id=trace_id, span_id=span_id,
                    filtered_attributes=[key_value(key, value) for key, value in labels.items()],
                )  # fmt: skip

    def _histogram(self, name: str, labels: dict[str, str], one: Any, attributes: list[Any]) -> None:
        if not 0 < one.timestamp < LATEST_MS:
            self._refuse("timestamp must be Unix milliseconds before 2100", 1)
            return
        if one.WhichOneof("count") == "count_float" or not -4 <= one.schema <= 8:
            self._refuse("a histogram must have whole counts and a schema from -4 to 8", 1)
            return
        metric = self._metric(name, labels, is_histogram=True)
        point = metric.exponential_histogram.data_points.add(time_unix_nano=one.timestamp * 10**6)
        point.attributes.extend(attributes)
        self._points += 1
        if _is_stale(one.sum):
            point.flags = _NO_RECORDED_VALUE
            return
        point.count, point.sum, point.scale = one.count_int, one.sum, one.schema
        point.zero_count, point.zero_threshold = one.zero_count_int, one.zero_threshold
        _buckets(point.positive, one.positive_spans, one.positive_deltas)
        _buckets(point.negative, one.negative_spans, one.negative_deltas)


def _buckets(buckets: Any, spans: Any, deltas: Any) -> None:
    """Spans of buckets with differences from one to the next, as one run of counts.

    A bucket's upper bound is `base^index` there and `base^(index + 1)` in OTLP.
    """
    counts: list[int] = []
    at, last = 0, 0
    for number, span in enumerate(spans):
        if number:
            if span.offset < 0 or len(counts) + span.offset + span.length > MOST_BUCKETS:
                return
            counts += [0] * span.offset
        else:
            buckets.offset = span.offset - 1
        for _ in range(min(span.length, len(deltas) - at)):
            last += deltas[at]
            at += 1
            counts.append(max(last, 0))
    buckets.bucket_counts.extend(counts)


def _is_stale(value: float) -> bool:
    return bool(struct.unpack("<Q", struct.pack("<d", value))[0] == STALE)


def _hex(text: str, size: int) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return b""
    return found if len(found) == size and any(found) else b""
