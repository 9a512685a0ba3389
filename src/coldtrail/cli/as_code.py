"""`coldtrail apply` and `coldtrail export`: definitions as files, compared with what a running coldtrail has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import typer
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from coldtrail.cli.api import Refused, ask, ask_to, tell
from coldtrail.model.definitions import BadDefinition, check_name, read_spec
from coldtrail.model.documents import BadDocument, Document, files_of, read_file, written

STYLE = {"create": "green", "change": "yellow", "remove": "red", "unchanged": "dim"}
What = Literal["create", "change", "remove", "unchanged"]


class Step(Struct):
    """What is to be done about one definition. ``would_fire``: of an alert, how often it would have in the last day."""

    what: What
    kind: str
    name: str
    source: str
    spec: dict[str, Any] | None
    diff: list[str]
    would_fire: int | None = None


def read(paths: list[Path]) -> tuple[list[Document], list[str]]:
    """Return the documents of files and folders, and everything that is wrong with them, each with its file and line."""
    documents, problems = list[Document](), list[str]()
    try:
        files = list(files_of(paths))
    except BadDocument as error:
        return [], [str(error)]
    for file in files:
        try:
            documents += read_file(file)
        except BadDocument as error:
            problems.append(str(error))
    problems += [problem for one in documents if (problem := _problem(one))]
    seen: dict[tuple[str, str], Document] = {}
    for one in documents:
        first = seen.setdefault((one.kind, one.name), one)
        if first is not one:
            told = f'the {one.kind} "{one.name}" is in {first.file} line {first.line} already'
            problems.append(f"{one.file} line {one.line}: {told}")
    if not files:
        problems.append(f"{', '.join(map(str, paths))}: there is no .yaml, .yml or .json file")
    return documents, problems


def plan(documents: list[Document], kept: list[dict[str, Any]], paths: list[Path], *, prune: bool) -> list[Step]:
    """Return what is to be done. ``prune``: remove what came from these files and folders, and is in them no more."""
    known = {(one["kind"], one["name"]): one for one in kept}
    steps = [_step(one, known.get((one.kind, one.name))) for one in documents]
    if prune:
        there = {(one.kind, one.name) for one in documents}
        gone = [one for key, one in known.items() if key not in there and _is_below(one["source"], paths)]
        steps += [Step("remove", one["kind"], one["name"], one["source"], None, _diff(one, None)) for one in gone]
    return steps


def apply_steps(url: str, token: str, steps: list[Step], by: str) -> list[str]:
    """Do what is to be done, and return what was refused."""
    refused = []
    for step in steps:
        path = f"/definitions/{step.kind}/{step.name}"
        try:
            if step.what == "remove":
                ask_to("DELETE", url, token, path)
            elif step.what != "unchanged":
                ask_to("PUT", url, token, path, {"spec": step.spec, "by": by, "source": step.source})
        except Refused as error:
            refused.append(f"{step.source}: {step.kind} {step.name}: {error}")
    return refused


def checked(url: str, token: str, documents: list[Document]) -> tuple[list[str], list[str]]:
    """Have a running coldtrail check documents together; return what is wrong with them and what it warns of, with lines."""
    asked = [{"kind": one.kind, "name": one.name, "spec": one.spec} for one in documents]
    wrong, warned = list[str](), list[str]()
    told = tell(url, token, "/definitions/check", {"definitions": asked})["definitions"]
    for one, said in zip(documents, told, strict=True):
        if said["error"]:
            wrong.append(_said(one, said["error"]["path"], said["error"]["message"]))
        warned += [_said(one, each["path"], each["message"], "warning: ") for each in said["warnings"]]
    return wrong, warned


def rehearsed(url: str, token: str, steps: list[Step]) -> None:
    """Say of each alert that is new or changed how often it would have fired in the last day."""
    for step in steps:
        if step.kind == "alert" and step.what in ("create", "change"):
            try:
                said = ask_to("POST", url, token, "/alerts/dry-run?since=now-1d", {"spec": step.spec})
            except Refused:
                continue
            step.would_fire = int(said["fired_count"])


def show(steps: list[Step], *, done: bool) -> None:
    """Print steps with what they change, and how many of each there are."""
    console = Console(highlight=False)
    for step in steps:
        fired = "" if step.would_fire is None else f", would have fired {step.would_fire} times in the last day"
        console.print(Text(f"{step.what:9} {step.kind} {step.name}{fired}", style=STYLE[step.what]))
        for line in step.diff if step.what == "change" else []:
            console.print(Text(f"    {line}", style={"+": "green", "-": "red"}.get(line[:1], "dim")))
    counts = {what: sum(step.what == what for step in steps) for what in STYLE}
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing to do"
    console.print(Text(f"{'done' if done else 'nothing was changed'}: {told}"))


def exported(kept: Iterable[dict[str, Any]]) -> str:
    """Return definitions as one file of documents."""
    return "---\n".join(written(one["kind"], one["name"], one["spec"]) for one in kept)


def definitions(url: str, token: str, kind: str = "") -> list[dict[str, Any]]:
    """Return what a running coldtrail has."""
    found: list[dict[str, Any]] = ask(url, token, "/definitions", {"kind": kind} if kind else {})["definitions"]
    return found


def run_apply(
    paths: list[Path], url: str, token: str, by: str, *, dry: bool, prune: bool, as_json: bool
) -> dict[str, Any] | None:
    """Check, compare and apply files; returns what was done for scripts, or prints it.

    Raises:
        Exit: something is wrong with the files, or was refused; nothing is applied of files that have errors.
    """
    documents, problems = read(paths)
    warned: list[str] = []
    if not problems and documents:
        problems, warned = checked(url, token, documents)
    if problems:
        for problem in problems:
            typer.secho(problem, fg="red", err=True)
        raise typer.Exit(1)
    for warning in warned:
        typer.secho(warning, fg="yellow", err=True)
    steps = plan(documents, definitions(url, token), paths, prune=prune)
    if dry:
        rehearsed(url, token, steps)
    refused = [] if dry else apply_steps(url, token, steps, by)
    if not as_json:
        show(steps, done=not dry)
    for problem in refused:
        typer.secho(problem, fg="red", err=True)
    if refused:
        raise typer.Exit(1)
    told = ("what", "kind", "name", "source", "diff", "would_fire")
    return {
        "applied": not dry,
        "warnings": warned,
        "steps": [{name: getattr(one, name) for name in told} for one in steps],
    }


def _problem(one: Document) -> str:
    try:
        check_name(one.name)
        read_spec(one.kind, one.spec)
    except BadDefinition as error:
        return _said(one, error.path, str(error))
    return ""


def _said(one: Document, path: str, message: str, how: str = "") -> str:
    where = "" if path == "$" else f"{path.removeprefix('$.')}: "
    return f"{one.file} line {one.line_of(path)}: {how}{one.kind} {one.name}: {where}{message}"


def _step(one: Document, known: dict[str, Any] | None) -> Step:
    spec = {"kind": one.kind, "name": one.name, "spec": one.spec}
    if known is None:
        return Step("create", one.kind, one.name, one.file, one.spec, _diff(None, spec))
    same = known["spec"] == one.spec
    diff = [] if same else _diff(known, spec)
    return Step("unchanged" if same else "change", one.kind, one.name, one.file, one.spec, diff)


def _diff(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    old, new = (written(one["kind"], one["name"], one["spec"]).splitlines() if one else [] for one in (before, after))
    return list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]


def _is_below(source: str, paths: list[Path]) -> bool:
    return any(source == path.as_posix() or source.startswith(f"{path.as_posix().rstrip('/')}/") for path in paths)
