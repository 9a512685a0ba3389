"""An investigation as Markdown, to be put into a ticket or a post-mortem. Pure.

What telemetry and people say is data: it is escaped, so that it can be no heading, link, picture, mention or HTML, whatever
it contains. Sources: CommonMark 0.31 ("Backslash escapes"), GitHub Flavored Markdown ("Autolinks (extension)").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

from msgspec import Struct

from coldtrail.analysis.contrast import Contrast
from coldtrail.analysis.first_failures import Affected
from coldtrail.analysis.rollouts import Rollout
from coldtrail.model.findings import Finding
from coldtrail.model.investigations import Entry, Investigation
from coldtrail.state.deployments import Deployment
from coldtrail.store.contrast.attributes import Contrasted
from coldtrail.store.contrast.units import Course, Figures
from coldtrail.trails.story.words import duration_words

LONGEST = 500

_SIGNIFICANT = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@$])|(?<=[a-zA-Z]):(?=//)|(?<=www)\.", re.IGNORECASE)
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Facts(Struct, frozen=True):
    """What an investigation is shown with, as of now. ``failing``: what could not be read, and why."""

    courses: list[tuple[str, Course]]
    affected: Affected
    findings: list[Finding]
    deployments: list[Deployment]
    rollouts: list[Rollout]
    contrasts: list[tuple[str, Contrasted, Contrast]]
    failing: list[str]


def escaped(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line that Markdown shows as it is."""
    line = _SPACE.sub(" ", text).strip()
    cut = line if len(line) <= longest else f"{line[:longest]}…"
    return _SIGNIFICANT.sub(lambda found: f"\\{found[0]}", cut)


def report(one: Investigation, entries: Iterable[Entry], facts: Facts, page_url: str) -> str:
    """Return the whole of an investigation; ``page_url`` is where its links lead."""
    page = page_url.rstrip("/")
    lines = [
        f"# {escaped(one.name)}",
        "",
        f"- Investigation: <{page}/investigations/{one.id}> ({one.state})",
        f"- Began with: {one.began.kind} {escaped(one.began.id, 200)}",
        f"- Moment: {_time(one.ground.at_ns)} (looked at from {_time(one.ground.since_ns)} to {_time(one.ground.until_ns)})",
        f"- Opened: {_time(one.created_ns)} by {escaped(one.by)}",
    ]
    sections = (
        ("Symptom", [escaped(one.ground.symptom)] if one.ground.symptom else []),
        ("Scope", list(_scope(facts))),
        ("Where it goes wrong", list(_causes(facts, page))),
        ("Affected trails", list(_trails(facts, page))),
        ("Findings", list(_findings(facts, page))),
        ("Deployments", list(_deployments(facts))),
        ("Suspects", list(_suspects(facts))),
        ("Could not be read", [f"- {escaped(reason)}" for reason in facts.failing]),
        ("Record", list(_record(entries, page))),
    )
    for title, body in sections:
        if body:
            lines += ["", f"## {title}", "", *body]
    return "\n".join(lines) + "\n"


def _scope(facts: Facts) -> Iterator[str]:
    if facts.courses:
        yield "| scope | when | count | errors | p50 | p95 |"
        yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for name, course in facts.courses:
        for when, figures in (("before", course.before), ("after", course.after)):
            yield f"| {escaped(name)} | {when} | {_figures(figures)} |"


def _figures(one: Figures) -> str:
    share = f" ({one.error_count / one.count:.1%})" if one.count else ""
    return f"{one.count} | {one.error_count}{share} | {_ms(one.p50_ms)} | {_ms(one.p95_ms)}"


def _causes(facts: Facts, page: str) -> Iterator[str]:
    looked_at = sum(one.cause is not None for one in facts.affected.trails)
    for one in facts.affected.causes:
        cause = one.cause
        link = f"{page}/trail/{_quoted(cause.trail_id)}?sel={_quoted(cause.node_id)}"
        yield f"- {one.count} of {looked_at}: {escaped(cause.place)} {escaped(cause.words)} ([look]({link}))"


def _trails(facts: Facts, page: str) -> Iterator[str]:
    if facts.affected.trails:
        yield "| start | trail | duration | status | services |"
        yield "| --- | --- | ---: | --- | --- |"
    for one in facts.affected.trails:
        named = f"[{escaped(one.origin, 100)}]({page}/trail/{_quoted(one.trail_id)})"
        status = escaped(one.outcome or one.status)
        services = escaped(", ".join(one.services[:8]), 300)
        yield f"| {_time(one.start_ns)} | {named} | {_ms(one.duration_ms)} | {status} | {services} |"


def _findings(facts: Facts, page: str) -> Iterator[str]:
    for one in facts.findings:
        seen = f"{_time(one.first_ns)} to {_time(one.last_ns)}, {one.count} times"
        yield f"- {one.severity}: [{escaped(one.title)}]({page}/finding/{_quoted(one.fingerprint)}), {seen}"
        if one.advice:
            yield f"  {escaped(one.advice)}"


def _deployments(facts: Facts) -> Iterator[str]:
    for one in facts.deployments:
        yield f"- {_time(one.time_ns)}: {escaped(one.application)} {escaped(one.version)}, {one.status}"
    for seen in facts.rollouts:
        services = escaped(", ".join(seen.services[:8]), 300)
        yield f"- {_time(seen.first_s * 10**9)}: version {escaped(seen.version)} of {services} was seen, after {escaped(seen.previous)}"


def _suspects(facts: Facts) -> Iterator[str]:
    for name, groups, found in facts.contrasts:
        if not found.suspects:
            continue
        sampled = ", a sample of each" if groups.sampled else ""
        yield f"Of {groups.bad_count} affected and {groups.other_count} others of {escaped(name)}{sampled}:"
        yield from ("", "| what | affected | others | score |", "| --- | ---: | ---: | ---: |")
        for one in found.suspects:
            what = f"{escaped(one.name, 100)} = {escaped(one.value, 200)}"
            yield f"| {what} | {one.bad_count} ({one.bad_share:.0%}) | {one.other_count} ({one.other_share:.0%}) | {one.score:.2f} |"
        yield ""


def _record(entries: Iterable[Entry], page: str) -> Iterator[str]:
    for one in entries:
        link = f" ([screen]({page}{_quoted(one.link)}))" if one.link else ""
        if one.kind == "look":
            yield f"- {_time(one.time_ns)} {escaped(one.by)} looked at {escaped(one.text)}{link}"
        else:
            yield f"- {_time(one.time_ns)} {escaped(one.by)} noted{link}:"
            yield from ("", *(f"  > {escaped(line, 5_000)}\\" for line in one.text.splitlines()), "")


def _quoted(text: str) -> str:
    return quote(text, safe="/?&=:%.,-~")


def _ms(value: float | None) -> str:
    return "–" if value is None else duration_words(value)


def _time(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC"
