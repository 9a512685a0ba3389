"""The command line as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from otlp import span, traces
from running import COMMAND, Coldtrail, free_port, serving


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=180, cwd=cwd)


@pytest.mark.parametrize("command", ["up", "demo", "find", "trail", "doctor"])
def test_every_command_explains_itself(command: str) -> None:
    ended = run(command, "--help")
    assert ended.returncode == 0
    assert "--json" in ended.stdout


def test_find_and_trail_lead_from_a_value_to_the_story(coldtrail: Coldtrail) -> None:
    value = f"order-{os.urandom(6).hex()}"
    root = span("GET /orders", service="orders", kind=2, attributes={"order.id": value}, error="KeyError")
    coldtrail.post("/v1/traces", traces(root))
    trail_id = root["trace_id"].hex()
    coldtrail.eventually("/find", lambda answer: trail_id in {match["trail_id"] for match in answer["matches"]}, q=value)
    found = run("find", value, "--url", coldtrail.url)
    assert trail_id in found.stdout
    assert json.loads(run("find", value, "--url", coldtrail.url, "--json").stdout)["matches"][0]["trail_id"] == trail_id
    shown = run("trail", trail_id, "--url", coldtrail.url)
    assert "failed with KeyError: it broke" in shown.stdout
    assert json.loads(run("trail", trail_id, "--url", coldtrail.url, "--json").stdout)["trail_id"] == trail_id


def test_what_is_not_found_ends_with_an_exit_code_and_a_sentence(coldtrail: Coldtrail) -> None:
    assert run("find", "no-such-value-at-all", "--url", coldtrail.url).returncode == 1
    missing = run("trail", "ab" * 16, "--url", coldtrail.url)
    assert (missing.returncode, "no trail" in missing.stderr) == (1, True)
    away = run("find", "x", "--url", f"http://127.0.0.1:{free_port()}")
    assert (away.returncode, "coldtrail up" in away.stderr) == (1, True)


def test_doctor_tells_what_it_looked_at(coldtrail: Coldtrail) -> None:
    checks = json.loads(run("doctor", "--url", coldtrail.url, "--json").stdout)["checks"]
    assert {check["name"]: check["status"] for check in checks}["process"] == "ok"


def test_a_taken_port_and_a_taken_folder_are_named(coldtrail: Coldtrail, tmp_path: Path) -> None:
    port = coldtrail.url.rsplit(":", 1)[1]
    ended = run("up", "--data", str(tmp_path / "d"), "--port", port, "--otlp-http-port", "0", "--otlp-grpc-port", "0", "--xray-port", "0")
    assert (ended.returncode, f"127.0.0.1:{port} is taken" in ended.stderr) == (1, True)
    ended = run("up", "--data", str(coldtrail.data), "--port", str(free_port()))
    assert (ended.returncode, "another coldtrail uses" in ended.stderr) == (1, True)


@pytest.mark.parametrize(("text", "said"), [
    ('[retention]\nspans = "30 days-ish"\n', 'coldtrail.toml line 2: retention.spans must be a duration such as "30d", got "30 days-ish"'),
    ("port = 99999\n", "coldtrail.toml line 1: port"),
    ("colour = 3\n", "coldtrail.toml line 1: colour is not a setting"),
    ("port = \n", "coldtrail.toml:"),
])
def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "coldtrail.toml").write_text(text)
    ended = run("up", "--data", str(tmp_path / "d"), cwd=tmp_path)
    assert ended.returncode == 1
    assert said in ended.stderr


@pytest.mark.both_stores
def test_sigterm_ends_it_cleanly_and_a_restart_has_everything(tmp_path: Path) -> None:
    one = span()
    with serving(tmp_path / "data") as running:
        assert running.post("/v1/traces", traces(one)).status_code == 200
        assert running.stop() == 0
    with serving(tmp_path / "data") as again:
        again.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=one["trace_id"].hex())
