"""Definitions as files: checked with lines, compared, applied, exported, and read back the same."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.model.definitions import SPECS, read_spec
from coldtrail.model.documents import BadDocument, read_text, written
from running import COMMAND, HTTP, Coldtrail

ROOT = Path(__file__).parents[2]
ALERT = """\
kind: alert
name: {name}
check:
  type: threshold
  figure: p95_ms
  scope: shop-of-no-other-test
  above: {above}
---
kind: silence
name: {name}
weekly: {{begins: 02:00, ends: 04:30, days: [mon, tue]}}
"""

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["on", "No", "null", "~", "", "02:00", "1e3", "0x10", "1_000", "2026-11-21T18:00:00Z", "<<", "=", "- a", "a: b", "#", "1.0", "+1", ".5", "0o7"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS.filter(lambda name: name not in ("kind", "name", "spec")), VALUES, max_size=4))
def test_what_is_written_reads_back_the_same(spec: dict[str, Any]) -> None:
    (one,) = read_text(written("alert", "a", spec), "x.yaml")
    assert (one.kind, one.name, one.spec) == ("alert", "a", spec)
    (same,) = read_text(json.dumps({"kind": "alert", "name": "a", "spec": spec}), "x.json")
    assert same.spec == spec


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: alert\nname: a\n  b: c\n", "x.yaml line 3: "),
        ("kind: alert\n", "x.yaml line 1: the document needs a name"),
        ("- a\n", "x.yaml line 1: a document must have fields"),
        ("kind: alert\nname: a\nname: b\n", 'x.yaml line 3: the field "name" is there twice'),
        ("kind: alert\nname: a\nb: !!python/object/apply:os.system [ls]\n", ""),
        ("kind: alert\nname: a\nb: !evil x\n", "x.yaml line 3: what is written as !evil"),
        ("a: &a [1,1]\n" + "".join(f"b{n}: &b{n} [{', '.join(['*' + ('a' if not n else f'b{n - 1}')] * 9)}]\n" for n in range(9)), "more than 100000 values"),
    ],
)
def test_a_bad_document_is_told_with_its_line(text: str, told: str) -> None:
    if not told:
        (one,) = read_text(text, "x.yaml")
        assert one.spec == {"b": ["ls"]}, "a tag makes no objects"
        return
    with pytest.raises(BadDocument) as error:
        read_text(text, "x.yaml")
    assert told in str(error.value)


def run(coldtrail: Coldtrail, *arguments: Any, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *map(str, arguments), "--url", coldtrail.url], capture_output=True, text=True, check=False, cwd=at)


def test_files_are_applied_compared_pruned_and_exported(coldtrail: Coldtrail, tmp_path: Path) -> None:
    folder = tmp_path / "ops"
    folder.mkdir()
    (folder / "shop.yaml").write_text(ALERT.format(name="shop-is-slow", above=500))
    dry = run(coldtrail, "apply", "ops", "--dry-run", at=tmp_path)
    assert "create    alert shop-is-slow, would have fired 0 times in the last day" in dry.stdout
    assert "nothing was changed: 2 create" in dry.stdout
    assert coldtrail.get("/definitions/alert/shop-is-slow").status_code == 404
    assert "done: 2 create" in run(coldtrail, "apply", "ops", at=tmp_path).stdout
    kept = coldtrail.api("/definitions/silence/shop-is-slow")
    assert (kept["spec"]["weekly"]["begins"], kept["source"]) == ("02:00", "ops/shop.yaml")
    (folder / "shop.yaml").write_text(ALERT.format(name="shop-is-slow", above=800).partition("---")[0])
    changed = run(coldtrail, "apply", "ops", at=tmp_path)
    assert re.search(r"change +alert shop-is-slow\n.*\n +above|-  above: 500\n +\+  above: 800", changed.stdout), changed.stdout
    assert coldtrail.get("/definitions/silence/shop-is-slow").status_code == 200, "without --prune all stays"
    HTTP.put(f"{coldtrail.url}/api/v1/definitions/silence/by-hand", json={"spec": {"until": "2099-01-01T00:00:00Z"}, "source": "page"}, timeout=30)
    pruned = json.loads(run(coldtrail, "apply", "ops", "--prune", "--json", at=tmp_path).stdout)
    steps = [(one["what"], one["kind"], one["name"]) for one in pruned["steps"]]
    assert steps == [("unchanged", "alert", "shop-is-slow"), ("remove", "silence", "shop-is-slow")]
    assert coldtrail.get("/definitions/silence/by-hand").status_code == 200
    file = tmp_path / "all.yaml"
    file.write_text(run(coldtrail, "export", at=tmp_path).stdout)
    again = json.loads(run(coldtrail, "apply", file, "--json", at=tmp_path).stdout)
    assert {one["what"] for one in again["steps"]} == {"unchanged"}
    assert ("alert", "shop-is-slow") in {(one["kind"], one["name"]) for one in again["steps"]}
    over_http = coldtrail.get("/definitions/file", kind="alert", name="shop-is-slow")
    assert over_http.headers["content-disposition"] == 'attachment; filename="alert-shop-is-slow.yaml"'
    assert read_text(over_http.text, "x")[0].spec == coldtrail.api("/definitions/alert/shop-is-slow")["spec"]
    assert coldtrail.get("/definitions/file", kind="alert", name="nobody").status_code == 404
    # It is of everything, and others share this server.
    assert HTTP.delete(f"{coldtrail.url}/api/v1/definitions/silence/by-hand").status_code == 200


def test_nothing_of_files_with_errors_is_applied_and_each_tells_its_line(coldtrail: Coldtrail, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ALERT.format(name="half-good", above=500) + "---\n" + ALERT.format(name="half-good", above="often"))
    (tmp_path / "b.yaml").write_text("kind: alert\nname: Half\ncheck: {type: finding}\n---\nkind: riddle\nname: b\n")
    said = run(coldtrail, "apply", "a.yaml", "b.yaml", at=tmp_path)
    assert said.returncode == 1
    lines = said.stderr.splitlines()
    assert lines[0].startswith("a.yaml line 19: alert half-good: check.above: Expected `float | null`, got `str`")
    assert "a.yaml line 13: the alert" in said.stderr
    assert 'b.yaml line 2: alert Half: name: "Half" is no name' in said.stderr
    assert 'b.yaml line 5: riddle b: there is no kind "riddle"' in said.stderr
    assert coldtrail.get("/definitions/alert/half-good").status_code == 404
    assert "there is no such file" in run(coldtrail, "apply", "gone.yaml", at=tmp_path).stderr


def test_names_that_are_not_there_are_warned_of_and_what_cannot_be_evaluated_is_refused_each_with_its_line(coldtrail: Coldtrail, tmp_path: Path) -> None:
    text = "kind: alert\nname: {name}\ncheck:\n  type: threshold\n  promql: {promql}\n  above: 1\nroutes: [with-it, with-i]\n"
    route = "---\nkind: route\nname: with-it\nto: {type: webhook, url: https://example.com}\n"
    (tmp_path / "a.yaml").write_text(text.format(name="warned-of", promql="sum(coldtrail_requests_total)") + route)
    said = run(coldtrail, "apply", "a.yaml", "--dry-run", "--json", at=tmp_path)
    told = 'a.yaml line 7: warning: alert warned-of: routes[1]: there is no route "with-i": did you mean "with-it"?'
    assert (said.returncode, json.loads(said.stdout)["warnings"], said.stderr.splitlines()) == (0, [told], [told])
    (tmp_path / "b.yaml").write_text(text.format(name="refused", promql="info(up)"))
    refused = run(coldtrail, "apply", "b.yaml", at=tmp_path)
    expected = "b.yaml line 5: alert refused: check.promql: promql cannot be evaluated: the function info is not supported"
    assert (refused.returncode, refused.stderr.splitlines()) == (1, [expected])


@pytest.mark.parametrize("page", ["alerts.md", "as-code.md"])
def test_the_examples_of_the_documentation_can_be_applied(page: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        for one in read_text(block, page):
            assert one.kind in SPECS
            read_spec(one.kind, one.spec)
