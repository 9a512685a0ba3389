"""Emitters that were kept of late are not read again; new, changed and long silent ones are."""

from __future__ import annotations

from pathlib import Path

from coldtrail.store.loading.speakers import KEPT_S, Speakers
from coldtrail.wal.segment import varint
from otlp import logs, span, traces


def segment(folder: Path, *bodies: bytes) -> Path:
    made = folder / "one.seg"
    made.write_bytes(b"".join(varint(len(body)) + body for body in bodies))
    return made


def test_who_spoke_before_is_known_in_any_signal_and_a_new_one_is_new(tmp_path: Path) -> None:
    speakers = Speakers()
    first = speakers.new(segment(tmp_path, traces(span("a", service="shop"))), 0.0 + KEPT_S + 1)
    assert first is not None
    assert len(first) == 1
    speakers.kept(first, 1_000.0)
    assert speakers.new(segment(tmp_path, traces(span("b", service="shop")), traces(span("c", service="shop"))), 1_001.0) == {}
    both = speakers.new(segment(tmp_path, traces(span("b", service="shop")), traces(span("c", service="till"))), 1_001.0)
    assert both is not None
    assert len(both.keys() - first.keys()) == len(both) == 1
    of_lines = speakers.new(segment(tmp_path, logs({"body": "x"}, service="shop")), 1_001.0)
    assert of_lines is not None
    assert len(of_lines) <= 1


def test_who_was_kept_long_ago_is_told_again(tmp_path: Path) -> None:
    speakers, spoken = Speakers(), segment(tmp_path, traces(span("a", service="shop")))
    known = speakers.new(spoken, 1_000.0)
    assert known
    speakers.kept(known, 1_000.0)
    assert speakers.new(spoken, 1_000.0 + KEPT_S) == {}
    assert speakers.new(spoken, 1_001.0 + KEPT_S) == known
    speakers.kept(known, 1_001.0 + KEPT_S)
    speakers.forget()
    assert speakers.new(spoken, 1_001.0 + KEPT_S) == known


def test_what_is_no_request_is_left_to_the_engine(tmp_path: Path) -> None:
    assert Speakers().new(segment(tmp_path, b"\x0a\xff"), 1_000.0) is None
    assert Speakers().new(segment(tmp_path), 1_000.0) == {}
