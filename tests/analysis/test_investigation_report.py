"""An export is Markdown of ours alone: whatever telemetry says stays text."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from coldtrail.analysis.first_failures import Affected, AffectedTrail, Cause, Common
from coldtrail.analysis.investigation_report import Facts, escaped, report
from coldtrail.model.investigations import Began, Entry, Ground, Investigation

HOSTILE = "</td><script>alert(1)</script> | [x](javascript:alert(1)) ![p](http://evil.example/p.png)\n# Heading\n```\n@team www.evil.example `code` <http://a.b>"
MARKDOWN = MarkdownIt("commonmark").enable("table")
NOTHING = Facts([], Affected([], []), [], [], [], [], [])


def made(name: str) -> Investigation:
    ground = Ground(name, (name,), 2 * 10**18, 10**18, 3 * 10**18)
    return Investigation("0123456789abcdef", name, "open", Began("value", name), ground, name, 2 * 10**18, 2 * 10**18)


@settings(max_examples=40)
@given(st.text(max_size=300))
@example(HOSTILE)
def test_an_escaped_text_is_read_as_that_text(text: str) -> None:
    tokens = MARKDOWN.parse(f"word {escaped(text)}")
    inline = [token for token in tokens if token.type == "inline"]
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in inline[0].children or []} <= {"text", "text_special"}
    assert len(escaped(text).splitlines()) <= 1


def test_hostile_names_notes_and_trails_make_no_headings_links_or_html() -> None:
    cause = Cause("t" * 32, "n" * 16, HOSTILE, HOSTILE, "failed", HOSTILE, "")
    trail = AffectedTrail("t" * 32, HOSTILE, 2 * 10**18, 5.0, "error", None, 3, 1, [HOSTILE], cause)
    facts = Facts([], Affected([trail], [Common(cause, 1)]), [], [], [], [], [HOSTILE])
    entries = [Entry(1, "note", 2 * 10**18, HOSTILE, HOSTILE, "/trail/x?sel=)[a](http://b)"), Entry(2, "look", 2 * 10**18, "ada", HOSTILE, "/find")]
    tokens = MARKDOWN.parse(report(made(HOSTILE), entries, facts, "http://127.0.0.1:4319"))
    children = [child for token in tokens for child in token.children or []]
    assert {one.type for one in [*tokens, *children]}.isdisjoint({"html_block", "html_inline", "image", "fence", "code_block", "code_inline"})
    links = [str(one.attrs["href"]) for one in children if one.type == "link_open"]
    assert links
    assert all(one.startswith("http://127.0.0.1:4319/") for one in links)
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings[1:] == ["Symptom", "Where it goes wrong", "Affected trails", "Could not be read", "Record"]


def test_what_is_not_there_has_no_heading() -> None:
    text = report(made("quiet"), [], NOTHING, "http://127.0.0.1:4319/")
    assert "## Symptom" in text
    assert "## Record" not in text
    assert "<http://127.0.0.1:4319/investigations/0123456789abcdef> (open)" in text
