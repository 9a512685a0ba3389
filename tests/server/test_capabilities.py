"""Capabilities as the API tells them: what users can do, by the application that services say they belong to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.receivers.attributes import key_value
from otlp import span, traces
from running import HTTP, Coldtrail, serving

SERVER, CLIENT, CONSUMER = 2, 3, 5
MINUTE_NS = 60 * 10**9
ORDERS, FAILED, UNLABELLED = 10, 2, 3
PARCELS = {
    "title": "Parcels",
    "origin": {"service": "parcel-api"},
    "within": "30s",
    "steps": [{"name": "label", "match": {"service": "labels"}}],
}


def of(application: str, body: bytes, attribute: str = "service.namespace") -> bytes:
    """The same spans, from services that say which application they belong to."""
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        group.resource.attributes.append(key_value(attribute, application))
    return request.SerializeToString()


@pytest.fixture(scope="module")
def shop(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """*Ordering* with an API and a service behind it, *billing* of functions alone, *mail* of a consumer alone, a service of none.

    *Parcels* is a workflow: a parcel that is booked has a label.
    """
    with serving(tmp_path_factory.mktemp("capabilities") / "data") as running:
        HTTP.put(f"{running.url}/api/v1/definitions/workflow/parcels", json={"spec": PARCELS}).raise_for_status()
        now = time.time_ns() // MINUTE_NS * MINUTE_NS - 10 * MINUTE_NS
        ordering, billing, mails, parcels = list[Any](), list[Any](), list[Any](), list[Any]()
        for number in range(ORDERS):
            trace, at = os.urandom(16), now + number * 10**9
            fails = {"error": "Refused"} if number < FAILED else {}
            answer = {"http.route": "/orders", "http.request.method": "POST", "http.response.status_code": 500 if fails else 201}
            api = span("POST /orders", service="orders-api", kind=SERVER, trace_id=trace, start_ns=at, duration_ms=100.0 + number, attributes=answer, **fails)
            stock = span("GET /stock", service="stock", kind=SERVER, trace_id=trace, parent=api["span_id"], start_ns=at + 10**6, duration_ms=1.0, attributes={"http.route": "/stock"})
            ordering += [api, stock]
            bill = span("bill", service="bill", kind=CONSUMER, start_ns=at, duration_ms=20.0, attributes={"faas.invocation_id": f"r-{number}"}, **fails)
            billing.append(bill)
            mail = span("send mail", service="mailer", kind=CONSUMER, start_ns=at, duration_ms=7.0)
            mails.append(mail)
            book = span("POST /parcels", service="parcel-api", kind=SERVER, start_ns=at, duration_ms=50.0, attributes={"http.route": "/parcels", "http.request.method": "POST"})
            label = span("print", service="labels", kind=SERVER, trace_id=book["trace_id"], parent=book["span_id"], start_ns=at + 10**6, duration_ms=20.0)
            parcels += [book, *([label] if number >= UNLABELLED else [])]
        before = span("POST /orders", service="orders-api", kind=SERVER, start_ns=now - 20 * MINUTE_NS, duration_ms=50.0, attributes={"http.route": "/orders", "http.request.method": "POST", "http.response.status_code": 201})
        nobodys = span("GET /", service="nobodys", kind=SERVER, start_ns=now, attributes={"http.route": "/"})
        for body in (of("ordering", traces(*ordering, before)), of("billing", traces(*billing), "application"), of("mail", traces(*mails)), traces(*parcels, nobodys)):
            running.post("/v1/traces", body).raise_for_status()
        yield running


def told(running: Coldtrail) -> dict[str, Any]:
    def errors_of(answer: dict[str, Any], name: str) -> int:
        return next(one["error_count"] for one in answer["groups"] if one["name"] == name)

    def whole(answer: dict[str, Any]) -> bool:
        return {one["name"]: one["count"] for one in answer["groups"]} == {"ordering": ORDERS, "billing": ORDERS, "mail": ORDERS, "Parcels": ORDERS} and errors_of(answer, "Parcels") == UNLABELLED

    return running.eventually("/capabilities", whole, 150, since="now-20m", step="60s")


def test_a_capability_is_counted_by_its_requests_from_outside_and_by_nothing_within(shop: Coldtrail) -> None:
    ordering = next(one for one in told(shop)["groups"] if one["name"] == "ordering")
    assert (ordering["counted"], ordering["services"]) == ("requests", ["orders-api", "stock"])
    assert (ordering["count"], ordering["error_count"]) == (ORDERS, FAILED)
    # Of 100..109 ms: the service behind, at 1 ms, is no request of a user.
    assert 100 <= ordering["p50_ms"] <= 109
    assert 105 <= ordering["p95_ms"] <= 109
    assert sum(point["count"] for point in ordering["points"]) == ORDERS
    assert ordering["previous"]["count"] == 1
    assert ordering["previous"]["p95_ms"] == pytest.approx(50, rel=0.02)


def test_without_requests_it_is_counted_by_invocations_or_by_spans(shop: Coldtrail) -> None:
    groups = {one["name"]: one for one in told(shop)["groups"]}
    assert (groups["billing"]["counted"], groups["billing"]["error_count"], groups["billing"]["services"]) == ("invocations", FAILED, ["bill"])
    assert groups["billing"]["p95_ms"] == pytest.approx(20, rel=0.02)
    assert (groups["mail"]["counted"], groups["mail"]["error_count"], groups["mail"]["services"]) == ("spans", 0, ["mailer"])


def test_a_workflow_is_a_capability_whose_trails_fail_where_they_do_not_end_well(shop: Coldtrail) -> None:
    parcels = next(one for one in told(shop)["groups"] if one["name"] == "Parcels")
    assert (parcels["counted"], parcels["workflow"], parcels["previous"]["count"]) == ("outcomes", "parcels", 0)
    assert (sum(one["count"] for one in parcels["points"]), sum(one["error_count"] for one in parcels["points"])) == (ORDERS, UNLABELLED)
    assert parcels["p95_ms"] > 0


def test_the_worst_comes_first(shop: Coldtrail) -> None:
    groups = told(shop)["groups"]
    shares = [one["error_count"] / one["count"] for one in groups]
    assert shares == sorted(shares, reverse=True)
    assert (groups[0]["name"], groups[-1]["name"]) == ("Parcels", "mail")
