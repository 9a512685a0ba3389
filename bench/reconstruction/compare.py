"""Answers against the truth: right, wrong and missing edges, exact trails, calibration."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from bench.reconstruction.answers import Found, edges_of, things_of
from bench.reconstruction.truth import Edge, TrueTrail, Truth

BINS = (0.3, 0.5, 0.7, 0.9, 0.999)


class Score(Struct):
    """What came out at one level. ``by_evidence``: evidence to [right, wrong]; ``bins``: likewise by confidence.

    ``cpu_s``: CPU seconds to take in and reconstruct, ``ask_ms``: of a trail's detail; 0 where no server was measured.
    """

    level: str
    trails: int = 0
    exact: int = 0
    unfound: int = 0
    foreign: int = 0
    right: int = 0
    wrong: int = 0
    missing: int = 0
    cpu_s: float = 0.0
    ask_ms: float = 0.0
    by_evidence: dict[str, list[int]] = field(default_factory=dict)
    bins: dict[str, list[int]] = field(default_factory=dict)
    by_story: dict[str, list[int]] = field(default_factory=dict)
    losses: dict[str, list[int]] = field(default_factory=dict)
    """By cause and effect: true edges, found ones, and of those that are missing how many effects were given another
    cause, and how many none."""
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def precision(self) -> float:
        """Share of the edges found that are true."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Share of the true edges that were found."""
        return self.right / max(1, self.right + self.missing)


def contracted(trail: TrueTrail, known: Callable[[str], bool]) -> tuple[set[str], set[Edge]]:
    """Return the things and edges of a true trail that can be known; ways through what nobody names are one edge."""
    effects: dict[str, set[str]] = defaultdict(set)
    for cause, effect in trail.edges:
        effects[cause].add(effect)
    things = {name for name in trail.things if known(name)}
    edges = set()
    for cause in things:
        pending, seen = list(effects[cause]), set()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            if known(name):
                edges.add((cause, name))
            else:
                # Behind an unnamed step, only what the true trail itself holds.
                pending += effects[name]
    return things, edges


def anchor_of(truth: Truth, trail: TrueTrail, known: Callable[[str], bool], alone: Callable[[str], bool]) -> str:
    """Return the thing to ask for: the first invocation that is on this trail alone, else any that is known."""
    pending, seen = [trail.origin], set()
    second = ""
    while pending:
        name = pending.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if truth.things[name].type == "invocation" and known(name):
            if alone(name):
                return name
            second = second or name
        pending += [effect for effect in truth.effects.get(name, []) if effect in trail.things]
    return second


def compare(
    level: str,
    truth: Truth,
    words: set[str],
    requests: dict[str, str],
    ask: Callable[[str], dict[str, Any] | None],
    without: set[str],
) -> Score:
    """Ask for every true trail and score the answers. ``ask`` takes a request id and returns the API's trail.

    ``without``: things whose trails are not asked about.
    """
    score = Score(level)

    def known(name: str) -> bool:
        thing = truth.things[name]
        return name in request_names if thing.type == "request" else thing.id in words

    request_names = set(requests.values())
    trails = [trail for trail in truth.trails() if len(trail.things) > 1 and trail.origin not in without]
    members = Counter(name for trail in trails for name in trail.things)
    all_true: set[Edge] = set()
    all_found: dict[Edge, Found] = {}
    for trail in trails:
        things, edges = contracted(trail, known)
        anchor = anchor_of(truth, trail, known, lambda name: members[name] == 1)
        if not anchor:
            continue
        score.trails += 1
        all_true |= edges
        story = _story(truth, trail)
        tally = score.by_story.setdefault(story, [0, 0])
        tally[0] += 1
        answer = ask(truth.things[anchor].id)
        if answer is None:
            score.unfound += 1
            continue
        names = things_of(answer, truth, requests)
        found = edges_of(answer, names)
        for edge, way in found.items():
            if edge not in all_found or way.confidence > all_found[edge].confidence:
                all_found[edge] = way
        told = set(names.values())
        score.foreign += len(told - trail.things)
        required = set(found) - truth.silent
        if told == things and required == edges:
            score.exact += 1
            tally[1] += 1
        else:
            _note(score, truth, answer["trail_id"], things, told, trail)
    for edge, way in all_found.items():
        right = edge in all_true or edge in truth.silent
        if edge not in truth.silent:
            score.right += right
            score.wrong += not right
        _tally(score.by_evidence, way.evidence, right)
        _tally(score.bins, _bin(way.confidence), right)
        if not right:
            _example(score, "wrong", truth, edge, way)
    given = {effect for _, effect in all_found}
    for edge in all_true:
        loss = score.losses.setdefault(" -> ".join(_label(truth, name) for name in edge), [0, 0, 0, 0])
        loss[0] += 1
        loss[1 if edge in all_found else 2 if edge[1] in given else 3] += 1
    for edge in all_true - set(all_found):
        score.missing += 1
        _example(score, "missing", truth, edge, None)
    return score


def _tally(counts: dict[str, list[int]], name: str, right: bool) -> None:
    counts.setdefault(name, [0, 0])[not right] += 1


def _bin(confidence: float) -> str:
    below = 0.0
    for top in BINS:
        if confidence < top:
            return f"{below:.2f}-{top:.2f}"
        below = top
    return "1.00"


def _story(truth: Truth, trail: TrueTrail) -> str:
    names = {truth.things[name].where for name in trail.things}
    for story in ("invoice", "onboarding"):
        if any(name.startswith(story) for name in names):
            return story
    return "activity"


def _label(truth: Truth, name: str) -> str:
    thing = truth.things.get(name)
    return f"{thing.type} {thing.where}".strip() if thing else "nothing true"


def _example(score: Score, sort: str, truth: Truth, edge: Edge, way: Found | None) -> None:
    cause, effect = (_label(truth, name) for name in edge)
    kind = truth.kinds.get(edge, "")
    text = f"{cause} -> {effect}" + (f" ({kind})" if kind else "") + (f" by {way.evidence}" if way else "")
    score.classes[sort, text] += 1
    score.examples.setdefault((sort, text), f"{edge[0]} -> {edge[1]}")


def _note(score: Score, truth: Truth, trail_id: str, things: set[str], told: set[str], trail: TrueTrail) -> None:
    for name in things - told:
        text = f"trail lacks {_label(truth, name)}"
        score.classes["lacks", text] += 1
        score.examples.setdefault(("lacks", text), f"trail {trail_id}: {name}")
    for name in told - trail.things:
        text = f"trail has foreign {_label(truth, name)}"
        score.classes["foreign", text] += 1
        score.examples.setdefault(("foreign", text), f"trail {trail_id}: {name}")
