"""Rules change while data stays: another program's, an operator's fields, a service that is one more file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import coldtrail.services as services
import otlp
from coldtrail.model.signals import Span
from coldtrail.store.engine import Engine
from coldtrail.store.keys.views import follow_rules
from coldtrail.store.loading.statements import LOAD
from coldtrail.store.schema.migrate import migrate
from coldtrail.wal.segment import varint

KEPT_S = {"spans": 10**8, "logs": 10**8, "metrics": 10**8}

MODULE = '''
"""Amazon MQ: a broker."""
from coldtrail.services.service import Envelope, Service, sent_and_received, takes

MQ = Service(
    id="mq",
    name="Amazon MQ",
    carries="queue",
    keys=sent_and_received("message_id", "acme.broker.message"),
    envelopes=(Envelope(when=(("eventSource", ("aws:mq",)),), keys=(takes("message_id", "jmsMessageId"),)),),
)
'''


@pytest.fixture
def rules_restored() -> Iterator[None]:
    yield
    sys.modules.pop("coldtrail.services.mq", None)
    services.use_rules()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(f"chdb://{tmp_path / 'store'}")
    migrate(made, KEPT_S)
    yield made
    made.close()


def load(engine: Engine, folder: Path, **attributes: str) -> set[tuple[str, str]]:
    """Load one producer's span, and return kinds and values of the keys that it has in the store."""
    token = f"t{time.time_ns()}"
    one = otlp.span(kind=4, attributes=attributes)
    body = otlp.traces(one)
    segment = folder / f"{token}.seg"
    segment.write_bytes(varint(len(body)) + body)
    for table, statement in LOAD["traces"]:
        engine.load(statement, "traces", segment, int(time.time()), f"{token}-{table}")
    return set(engine.rows(f"SELECT kind, value FROM keys WHERE span_id = unhex('{one['span_id'].hex()}')"))


def test_a_new_service_is_one_file(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules_restored: None) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/mq.py").write_text(MODULE)
    event = '{"Records": [{"eventSource": "aws:mq", "jmsMessageId": "jms-2"}]}'
    assert load(engine, tmp_path, **{"acme.broker.message": "jms-1", "faas.event": event}) == set()
    monkeypatch.setattr(services, "__path__", [*services.__path__, str(tmp_path / "more")])
    services.use_rules(services=services.declared_services(services.__path__))
    assert follow_rules(engine) == 2
    assert {rule.attribute for rule in services.key_rules()} >= {"acme.broker.message", "messaging.message.id"}
    attributes = {"acme.broker.message": "jms-1", "faas.event": event}
    assert load(engine, tmp_path, **attributes) == {("message_id", "jms-1"), ("message_id", "jms-2")}
    keys = services.keys_of_span(Span("a" * 32, "b" * 16, "", 1, 2, kind=4, attributes=dict(attributes)))
    assert {(key.value, key.role) for key in keys} == {("jms-1", "gives"), ("jms-2", "takes")}


def test_a_configured_correlation_field_is_a_key_from_then_on(engine: Engine, tmp_path: Path, rules_restored: None) -> None:
    assert load(engine, tmp_path, **{"app.order_ref": "ref-1"}) == set()
    services.use_rules(["order_ref"])
    assert (follow_rules(engine), follow_rules(engine)) == (2, 0)
    found = load(engine, tmp_path, **{"app.order_ref": "ref-2", "faas.event": '{"detail": {"order_ref": "ref-3"}}'})
    assert found == {("correlation_id", "ref-2"), ("correlation_id", "ref-3")}


def test_a_store_that_was_opened_with_the_same_rules_keeps_its_views(engine: Engine) -> None:
    assert follow_rules(engine) == 0
