"""`coldtrail dashboards` as a user types it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from running import COMMAND, Coldtrail


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, "dashboards", *arguments], capture_output=True, text=True, timeout=180)


def test_a_dashboard_goes_through_a_file_under_another_name(coldtrail: Coldtrail, tmp_path: Path) -> None:
    at = ("--url", coldtrail.url)
    assert "lambda  Lambda, " in run(*at).stdout
    file = tmp_path / "lambda.json"
    assert run("export", "lambda", "--out", str(file), *at).returncode == 0
    assert json.loads(run("export", "lambda", *at).stdout) == json.loads(file.read_text())
    assert run("import", str(file), "--name", "from-a-file", *at).stdout == "kept from-a-file: Lambda\n"
    named = {one["name"]: one for one in json.loads(run("--json", *at).stdout)["dashboards"]}
    assert (named["from-a-file"]["source"], named["from-a-file"]["starter"], named["lambda"]["starter"]) == ("lambda.json", False, True)


def test_what_cannot_be_imported_is_named(coldtrail: Coldtrail, tmp_path: Path) -> None:
    at = ("--url", coldtrail.url)
    file = tmp_path / "bad.json"
    for text, said in (("{", "not JSON"), ("[]", "no dashboard"), ('{"kind": "dashboard", "name": "b", "spec": {"rows": []}}', "title"), ('{"kind": "dashboard", "spec": {"title": "T", "rows": []}}', "no name")):
        file.write_text(text)
        ended = run("import", str(file), *at)
        assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr
    assert "no dashboard" in run("export", "nobody-made-this", *at).stderr
    assert "cannot be read" in run("import", str(tmp_path / "away.json"), *at).stderr
