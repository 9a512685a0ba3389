"""What is advised, and above all what is not."""

from __future__ import annotations

from decimal import Decimal

from coldtrail.analysis.advice import Advice, advise
from coldtrail.analysis.bill import Assumptions, Held, function_lines, resource_lines
from coldtrail.analysis.cost import PriceBook, price_lines
from coldtrail.store.costs.usage import Ran, Used

MONTH = Decimal(730)


def ran(memory_mb: int, billed_ms: float, *, count: int = 1_000, used_mb: int = 100, last_ns: int = 1, reported: bool = True) -> Ran:
    return Ran("resize", memory_mb, reported, count, billed_ms * count, 0, 0.0, billed_ms / 2, billed_ms, used_mb, last_ns)


def advice(attempts: list[Ran], held: list[Held] | None = None, calls: list[Used] | None = None, consumed: dict[tuple[str, str], Decimal] | None = None) -> list[Advice]:
    lines = [*function_lines(attempts, [], held or [], MONTH, Assumptions()), *resource_lines(calls or [], held or [], Assumptions())]
    return advise(attempts, held or [], price_lines(lines, PriceBook(), MONTH), consumed or {}, MONTH)


def test_a_size_that_ran_cheaper_is_advised_with_what_it_saves() -> None:
    """Now 1,024 MB x 100 ms x 1,000 = 100 GB-s a month, $0.00166667; with 512 MB the same took 120 ms: 60 GB-s, 40 % less."""
    (found,) = advice([ran(512, 120.0), ran(1024, 100.0, last_ns=2)])
    assert (found.kind, found.basis, found.least_usd, found.most_usd) == ("memory", "observed", Decimal("0.000666668"), Decimal("0.000666668"))
    assert "512 MB" in found.text
    assert "40%" in found.text
    assert "p95 120 ms against 100 ms" in found.text


def test_a_size_that_never_ran_is_a_model_with_bounds() -> None:
    """100 of 1,024 MB used: 128 MB are enough; seven eighths are saved if it takes no longer, nothing if eight times as long."""
    (found,) = advice([ran(1024, 100.0)])
    assert (found.basis, found.least_usd) == ("model", 0)
    assert found.most_usd == Decimal("0.00166667") * 7 / 8
    assert "8.0 times as long" in found.text
    assert "model" in found.text


def test_nothing_is_advised_from_little_or_for_little() -> None:
    assert advice([ran(1024, 100.0, count=5)]) == []
    assert advice([ran(512, 197.0), ran(1024, 100.0, last_ns=2)]) == []
    assert advice([ran(1024, 100.0, reported=False)]) == []
    assert advice([ran(128, 100.0, used_mb=60)]) == []


def test_a_size_that_is_nearly_full_is_not_made_smaller() -> None:
    (found,) = advice([ran(512, 120.0, used_mb=500), ran(1024, 100.0, last_ns=2, used_mb=1000)])
    assert (found.kind, found.most_usd) == ("memory_tight", 0)


def test_capacity_that_nobody_uses_is_idle_and_what_is_used_a_little_is_too_much() -> None:
    """5 units for a month: 3,650 unit-hours, of which a tenth of the units was used; two environments, never busy."""
    held = [Held("dynamodb", "rates", "write_capacity", 5 * MONTH, "metrics"), Held("lambda", "resize", "provisioned_concurrency", 2 * MONTH, "metrics")]
    found = advice([], held, consumed={("rates", "write_capacity"): 5 * MONTH * 360})
    assert [(one.kind, one.resource, one.basis) for one in found] == [("idle", "resize", "observed"), ("table_capacity", "rates", "model")]
    # 2 x 730 h x 3,600 s x 128 MB / 1,024 x $0.0000041667; 3,650 x $0.00065 x 90 %.
    assert found[0].most_usd == Decimal(2 * 730 * 3600) / 8 * Decimal("0.0000041667")
    assert found[1].most_usd == Decimal("2.13525")
