"""Correlation ids by name: configured, in baggage, and learned from what trails have shown."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import otlp
from coldtrail.model.signals import Span
from coldtrail.server.settings.settings import BadSettings, read_settings
from coldtrail.services import keys_of_span
from coldtrail.services.correlation import learn_correlation_fields
from running import serving

Sample = tuple[str, str, str, str]


def correlations(**attributes: str | list[str]) -> set[str]:
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return {key.value for key in keys_of_span(Span("a" * 32, "b" * 16, "", 1, 2, kind=2, attributes=named)) if key.kind == "correlation_id"}  # type: ignore[arg-type]


def test_a_correlation_id_is_known_by_its_name_and_in_baggage() -> None:
    assert correlations(app__correlationId="c-1", http__request__header__baggage=["userId=7, correlation_id=c-2 ;ttl=1, x=correlation_id"]) == {"c-1", "c-2"}
    assert correlations(correlation="c-1", my_correlation_id_hint="c-2", user__id="c-3") == set()


def test_a_configured_field_finds_the_trail(tmp_path: Path) -> None:
    (tmp_path / "coldtrail.toml").write_text('[correlation]\nfields = ["orderRef"]\n')
    front, back = otlp.span("place", service="front", kind=2, attributes={"orderRef": "ref-7b55"}), otlp.span("bill", service="back", kind=2, attributes={"app.orderRef": "ref-7b55"})
    back["start_ns"] += 10**9
    with serving(tmp_path / "data") as running:
        assert running.post("/v1/traces", otlp.traces(front)).status_code == 200
        assert running.post("/v1/traces", otlp.traces(back)).status_code == 200
        trace_id = front["trace_id"].hex()
        trail = running.eventually(f"/trails/{trace_id}", lambda answer: {node["service"] for node in answer["nodes"]} == {"front", "back"})
        assert [(edge["kind"], edge["evidence"]) for edge in trail["edges"]] == [("triggers", "correlation_id")]
        running.eventually("/find", lambda answer: {match["trail_id"] for match in answer["matches"]} == {trace_id}, q="ref-7b55")


@pytest.mark.parametrize("fields", ['"orderRef"', '[""]', '["a b"]', '["*"]', "[7]"])
def test_a_field_that_is_no_name_is_refused_with_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coldtrail.toml").write_text(f"[correlation]\nfields = {fields}\n")
    with pytest.raises(BadSettings, match=r"correlation\.fields"):
        read_settings({})


def samples(dice: random.Random, trails: int = 40) -> list[Sample]:
    """Orders go through three services, two of which call the order's id by other names; the rest is what attributes are."""
    found: list[Sample] = []
    for number in range(trails):
        order, trail = f"ord-{dice.getrandbits(48):012x}", f"trail-{number}"
        for service, name in (("shop", "orderId"), ("billing", "order_id"), ("mail", "order_id")):
            found.append((trail, service, name, order))
            found.append((trail, service, "user", f"user-{dice.randrange(3):04d}"))
            found.append((trail, service, "region", "eu-central-1"))
            found.append((trail, service, "build", "build-1.4.2"))
            found.append((trail, service, "row", f"row-{dice.getrandbits(40):010x}"))
            found.append((trail, service, "attempt", str(dice.randrange(4))))
            found.append((trail, service, "aws.request_id", f"{dice.getrandbits(64):016x}"))
    return found


def test_a_field_whose_values_go_through_several_services_of_one_trail_is_learned() -> None:
    learned = learn_correlation_fields(samples(random.Random(1)))
    assert {field.name for field in learned} == {"orderId", "order_id"}
    assert all(field.confidence == 1.0 and field.trails == 40 and field.values == 40 for field in learned)


def test_too_few_trails_teach_nothing() -> None:
    assert learn_correlation_fields(samples(random.Random(1), trails=3)) == []
    assert learn_correlation_fields([]) == []


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), copies=st.integers(1, 3))
def test_order_and_copies_of_samples_change_nothing(seed: int, copies: int) -> None:
    dice = random.Random(seed)
    told = samples(random.Random(1), trails=12) * copies
    dice.shuffle(told)
    assert learn_correlation_fields(told) == learn_correlation_fields(samples(random.Random(1), trails=12))


def test_a_field_that_is_mostly_something_else_is_not_learned() -> None:
    told = samples(random.Random(2), trails=10)
    told += [(f"other-{number}", service, "order_id", f"none-{number % 2:03d}") for number in range(40) for service in ("a", "b")]
    told += [(f"lone-{number}", "shop", "orderId", f"lone-{number:04d}") for number in range(40)]
    assert {field.name for field in learn_correlation_fields(told)} == set()
