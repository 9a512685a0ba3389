"""The one table: levels of context side by side, then the classes of what is wrong or missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.reconstruction.compare import Score

GOALS = {
    "all": "1.000 / 0.999",
    "ids": "0.99 / 0.98",
    "half": "0.98 / 0.95",
    "timing": "",
    "crowd": "",
    "queued": "0.90 right",
}
WIDTH = 15


def table(scores: list[Score]) -> str:
    """Return the table of all levels."""
    rows = [_row("level", [score.level for score in scores])]
    rows.append(_row("goal: precision / recall", [GOALS[score.level] for score in scores]))
    named: list[tuple[str, Callable[[Score], str]]] = [
        ("trails", lambda score: f"{score.trails:,}"),
        ("precision of edges", lambda score: f"{score.precision:.4f}"),
        ("recall of edges", lambda score: f"{score.recall:.4f}"),
        ("exact trails", lambda score: f"{score.exact / max(1, score.trails):.3f}"),
        ("trails not found", lambda score: str(score.unfound)),
        ("nodes of other trails", lambda score: str(score.foreign)),
        ("CPU to take in and join", lambda score: f"{score.cpu_s:.0f} s" if score.cpu_s else "-"),
        ("CPU of a trail's detail", lambda score: f"{score.ask_ms:.0f} ms" if score.ask_ms else "-"),
    ]
    rows += [_row(name, [value(score) for score in scores]) for name, value in named]
    rows += _tallies("by ", [score.by_evidence for score in scores])
    rows += _tallies("confidence ", [score.bins for score in scores])
    stories = sorted({story for score in scores for story in score.by_story})
    for story in stories:
        found = [score.by_story.get(story, [0, 0]) for score in scores]
        rows.append(_row(f"exact, {story}", [f"{exact}/{trails}" for trails, exact in found]))
    return "\n".join(rows)


def classes(score: Score, most: int) -> Iterator[str]:
    """Yield the commonest classes of wrong and missing things, each with an example."""
    for (sort, text), count in score.classes.most_common(most):
        yield f"  {score.level:<7} {sort:<8} {count:>6}  {text}   e.g. {score.examples[sort, text]}"


def losses(score: Score) -> Iterator[str]:
    """Yield one line per kind of edge of which some are missing, the most missing first."""
    missing = sorted(score.losses.items(), key=lambda one: one[1][1] - one[1][0])
    yield f"  {score.level:<7} {'edges':<70} {'true':>6} {'found':>6} {'other cause':>12} {'none given':>11}"
    for name, (true, found, other, none) in missing:
        if found < true:
            yield f"  {score.level:<7} {name:<70} {true:>6} {found:>6} {other:>12} {none:>11}"


def _row(name: str, values: list[str]) -> str:
    return f"{name:<26}" + "".join(f"{value:>{WIDTH}}" for value in values)


def _tallies(prefix: str, tallies: list[dict[str, list[int]]]) -> list[str]:
    """One row per evidence or bin: how many edges, and the share of them that is right."""
    return [
        _row(f"{prefix}{key}", [_share(*tally[key]) if key in tally else "-" for tally in tallies])
        for key in sorted({key for tally in tallies for key in tally})
    ]


def _share(right: int, wrong: int) -> str:
    return f"{right + wrong:,} {right / (right + wrong):.3f}"
