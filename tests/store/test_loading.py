"""A segment in the store: every kind of metric point, an empty request, and the same load twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

import stores
from coldtrail.receivers.attributes import key_value
from coldtrail.store.engine import Engine
from coldtrail.store.loading.statements import LOAD
from coldtrail.store.schema.migrate import migrate
from coldtrail.wal.segment import varint
from otlp import span, traces

pytestmark = pytest.mark.both_stores
KEPT_S = {"spans": 86_400, "logs": 86_400, "metrics": 86_400}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(stores.dsn(tmp_path))
    migrate(made, KEPT_S)
    yield made
    made.close()


def load(engine: Engine, signal: str, bodies: list[bytes], folder: Path, token: str) -> None:
    segment = folder / f"{token}.seg"
    segment.write_bytes(b"".join(varint(len(body)) + body for body in bodies))
    for table, statement in LOAD[signal]:
        engine.load(statement, signal, segment, int(time.time()), f"{token}-{table}")


def every_kind_of_point() -> bytes:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.append(key_value("service.name", "shop"))
    scope = group.scope_metrics.add()
    scope.metrics.add(name="gauge", unit="1").gauge.data_points.add(as_double=0.5, time_unix_nano=10**18)
    total = scope.metrics.add(name="sum").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    total.data_points.add(as_int=-7, time_unix_nano=10**18, start_time_unix_nano=10**17).attributes.append(key_value("route", "/a"))
    total.data_points.add(as_int=2**53 + 1, time_unix_nano=10**18)
    histogram = scope.metrics.add(name="histogram").histogram
    histogram.aggregation_temporality = 1
    histogram.data_points.add(count=3, sum=6.5, min=0.5, max=4, bucket_counts=[1, 2], explicit_bounds=[1.0], time_unix_nano=10**18)
    exponential = scope.metrics.add(name="exponential").exponential_histogram.data_points.add(count=2, sum=3, scale=-1, zero_count=1, zero_threshold=0.25, time_unix_nano=10**18)
    exponential.positive.offset = -3
    exponential.positive.bucket_counts.extend([1, 1])
    exponential.exemplars.add(time_unix_nano=10**18, as_int=2, trace_id=bytes(range(16)), span_id=bytes(range(8)))
    scope.metrics.add(name="summary").summary.data_points.add(count=4, sum=9, time_unix_nano=10**18).quantile_values.add(quantile=0.5, value=2)
    return request.SerializeToString()


def points(engine: Engine) -> list[tuple]:
    return engine.rows(
        """SELECT p.name, toString(s.type), s.temporality, s.is_monotonic, value, count, if(isNaN(min), -1, min), if(isNaN(max), -1, max),
          buckets, bounds, scale, zero_count, zero_threshold, (positive_offset, positive), (quantiles, quantile_values),
          toUnixTimestamp64Nano(start), mapKeys(attributes), s.service
        FROM metric_points AS p JOIN metric_series AS s ON p.series_id = s.series_id ORDER BY name, value""",
    )


def test_every_kind_of_metric_point_lands(engine: Engine, tmp_path: Path) -> None:
    load(engine, "metrics", [every_kind_of_point()], tmp_path, "m")
    none = ((0, []), ([], []))
    assert points(engine) == [
        ("exponential", "exponential_histogram", 0, 0, 3.0, 2, -1.0, -1.0, [], [], -1, 1, 0.25, (-3, [1, 1]), ([], []), 0, [], "shop"),
        ("gauge", "gauge", 0, 0, 0.5, 1, -1.0, -1.0, [], [], 0, 0, 0.0, *none, 0, [], "shop"),
        ("histogram", "histogram", 1, 0, 6.5, 3, 0.5, 4.0, [1, 2], [1.0], 0, 0, 0.0, *none, 0, [], "shop"),
        ("sum", "sum", 2, 1, -7.0, 1, -1.0, -1.0, [], [], 0, 0, 0.0, *none, 10**17, ["route"], "shop"),
        ("sum", "sum", 2, 1, float(2**53), 1, -1.0, -1.0, [], [], 0, 0, 0.0, *none, 0, [], "shop"),
        ("summary", "summary", 0, 0, 9.0, 4, -1.0, -1.0, [], [], 0, 0, 0.0, (0, []), ([0.5], [2.0]), 0, [], "shop"),
    ]


def test_the_same_metrics_twice_are_the_same_points_and_exemplars(engine: Engine, tmp_path: Path) -> None:
    counts = "SELECT (SELECT count() FROM metric_points), (SELECT count() FROM metric_series), (SELECT count() FROM metric_exemplars), (SELECT sum(point_count) FROM metric_names)"
    load(engine, "metrics", [every_kind_of_point()], tmp_path, "same")
    load(engine, "metrics", [every_kind_of_point()], tmp_path, "same")
    assert engine.rows(counts) == [(6, 6, 1, 6)]
    load(engine, "metrics", [every_kind_of_point()], tmp_path, "sent-again")
    final = counts.replace("FROM metric_points", "FROM metric_points FINAL").replace("FROM metric_exemplars", "FROM metric_exemplars FINAL")
    assert engine.rows(final)[0][:3] == (6, 6, 1)


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_an_empty_request_loads_and_adds_nothing(engine: Engine, tmp_path: Path, signal: str) -> None:
    load(engine, signal, [b""], tmp_path, "empty")
    assert engine.rows("SELECT count() FROM emitters") == [(0,)]


def test_the_same_load_twice_adds_nothing_in_any_table(engine: Engine, tmp_path: Path) -> None:
    body = traces(*(span(f"s{number}", kind=2, attributes={"faas.invocation_id": f"r{number}", "http.route": "/a"}) for number in range(5)))
    counts = "SELECT (SELECT count() FROM spans), (SELECT count() FROM keys), (SELECT count() FROM invocations), (SELECT sum(count) FROM red), (SELECT sum(span_count) FROM traces)"
    load(engine, "traces", [body], tmp_path, "same")
    once = engine.rows(counts)
    load(engine, "traces", [body], tmp_path, "same")
    assert once[0][0] == 5
    assert engine.rows(counts) == once
