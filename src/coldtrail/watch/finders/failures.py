"""Functions that fail: errors by type and message, time-outs, memory kills, crashes of the runtime, failed inits."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import FindingKind, Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.failures import Group, failed_invocations, invocation_counts
from coldtrail.watch.finders.told import sighting
from coldtrail.watch.normalise import normalise

_CRASHES = ("Runtime.ExitError", "Extension.Crash", "Runtime.Unknown")
_INITS = (
    "Runtime.ImportModuleError",
    "Runtime.HandlerNotFound",
    "Runtime.UserCodeSyntaxError",
    "Runtime.InvalidEntrypoint",
)
"""AWS Lambda Developer Guide, "Troubleshoot execution issues in Lambda" and "... deployment issues in Lambda"."""

_ADVICE: dict[FindingKind, str] = {
    "error": "Open one of its trails: the story names the first thing that went wrong, and what was tried again.",
    "timeout": "See on the trail what it waited for; give that call a time-out shorter than the function's own.",
    "out_of_memory": (
        "Give the function more memory, or hold less of its input at once; the page of the function shows how "
        "much it uses."
    ),
    "crash": (
        "The runtime ended without a word: look at the last lines before it, and at native libraries and the disk."
    ),
    "failed_init": "No instance can start: the last deployment lacks a module or names another handler.",
}


def failing_functions(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every function that failed, once for each kind of failure."""
    groups = failed_invocations(engine, since_ns, until_ns)
    counts = invocation_counts(engine, since_ns, until_ns) if groups else {}
    for group in groups:
        yield _sighting(group, counts.get((group.scope, group.minute_s), group.count))


def kind_of(status: str, error_type: str) -> FindingKind:
    """Return what kind of failure an invocation's status and error type tell."""
    if status == "timeout":
        return "timeout"
    if status == "out_of_memory":
        return "out_of_memory"
    if error_type in _INITS:
        return "failed_init"
    return "crash" if error_type in _CRASHES else "error"


def failure_detail(status: str, error_type: str, message: str) -> str:
    """Return what tells one failure of a function from its others, the same for every occurrence."""
    kind = kind_of(status, error_type)
    return kind if kind in ("timeout", "out_of_memory") else f"{_short(error_type)}: {normalise(message)}"


def _short(error_type: str) -> str:
    """A type without its module: a span tells the whole name, a line of the runtime often the last part."""
    return error_type if error_type.startswith("Runtime.") else error_type.rpartition(".")[2]


def _sighting(group: Group, ran: int) -> Sighting:
    status, error_type, message = group.texts
    kind = kind_of(status, error_type)
    return sighting(
        group,
        kind=kind,
        detail=failure_detail(status, error_type, message),
        title=_title(kind, group.scope, error_type, message),
        severity="high",
        advice=_ADVICE[kind],
        type=error_type,
        message=message[:1000],
        invocation_count=ran,
        failed_count=group.count,
    )


def _title(kind: FindingKind, function: str, error_type: str, message: str) -> str:
    short = _short(error_type) or "an error"
    told = f": {normalise(message)}" if message else ""
    match kind:
        case "timeout":
            return f"{function} times out"
        case "out_of_memory":
            return f"{function} runs out of memory"
        case "crash":
            return f"{function} crashes{told}"
        case "failed_init":
            return f"{function} cannot start: {short}{told}"
        case _:
            return f"{function} fails with {short}{told}"
