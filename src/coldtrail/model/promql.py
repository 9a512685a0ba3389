"""Whether a text is PromQL, and where it stops being it. The parser says why; it does not say where.

Source: Prometheus documentation, "Querying Prometheus: Basics, Operators" (the tokens).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

import promql_parser

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|0[xX][0-9a-fA-F]+|(?:[0-9]+(?:ms|[smhdwy]))+"""
    r"""|[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[A-Za-z_:][A-Za-z0-9_:]*|=~|!~|==|!=|>=|<=|."""
)
_NAMED = re.compile(r"""(?:function|name|call to) (?:with name )?'([^']+)'""")
_OPENS = {"(": ")", "[": "]", "{": "}"}
_MEANING = ("expected type", "expected ", "wrong number", "unknown function", "metric name", "vector selector")
"""Faults of expressions whose form is right."""

_GOES_ON = ("", "x", " 1", "(x)", '="y"', '"y"', 'x="y"', ", x", "1, x", "5m", " (x) (y)", " (x) y", "x[5m]", ":5m")
_ENDS = ("", " (y)", " y")
MOST_LETTERS = 2_000
"""Of a longer text it is not told where; the parser is asked some hundred times for that."""


class BadExpression(ValueError):
    """A text is no PromQL; ``field``: that it is the value of. ``line`` and ``column``: of its first letter that cannot stand
    there, both beginning with 1; None where that was not looked for.
    """

    def __init__(self, field: str, reason: str, text: str, offset: int | None) -> None:
        self.field = field
        self.line = self.column = None
        where = ""
        if offset is not None:
            self.line = text[:offset].count("\n") + 1
            self.column = offset - text[:offset].rfind("\n")
            where = f" at line {self.line}, column {self.column}" if "\n" in text else f" at column {self.column}"
        super().__init__(f"{field} is no PromQL{where}: {reason}")


def check(text: str, field: str) -> None:
    """Accept PromQL.

    Raises:
        BadExpression: it is none; says why and where.
    """
    fault = _fault(text)
    if fault is not None:
        offset = _where(text, fault)
        near = None if offset is None else text[offset : offset + 20].split("\n")[0].strip()
        raise BadExpression(field, _words(fault, near)[:200], text, offset)


def _fault(text: str) -> str | None:
    try:
        promql_parser.parse(text)
    except ValueError as error:
        return str(error)
    return None


def _words(reason: str, near: str | None) -> str:
    if near is None or not reason.startswith("invalid promql"):
        return reason
    return f'"{near}" cannot stand here' if near else "something is missing at its end"


def _where(text: str, reason: str) -> int | None:
    """Return the offset of a fault."""
    named = _NAMED.search(reason)
    if named and (found := re.search(rf"(?<![\w:]){re.escape(named[1])}\s*\(", text)):
        return found.start()
    tokens = list(_tokens(text))
    if reason.startswith("unclosed"):
        return next((at for at, _ in reversed(_open(text, tokens))), len(text))
    if len(text) > MOST_LETTERS:
        return None
    kind = " ".join(reason.split()[:2])
    wrong = bisect_left(range(len(tokens)), True, key=lambda last: not _may_go_on(text, tokens[: last + 1], kind))
    return tokens[wrong][0] if wrong < len(tokens) else len(text)


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where each token begins and ends, without white space and comments."""
    for found in _TOKEN.finditer(text):
        if not found[0].isspace() and not found[0].startswith("#"):
            yield found.start(), found.end()


def _open(text: str, tokens: list[tuple[int, int]]) -> list[tuple[int, str]]:
    """The brackets that are open after some tokens, with what closes each."""
    found: list[tuple[int, str]] = []
    for start, end in tokens:
        token = text[start:end]
        if token in _OPENS:
            found.append((start, _OPENS[token]))
        elif found and token == found[-1][1]:
            found.pop()
    return found


def _may_go_on(text: str, tokens: list[tuple[int, int]], kind: str) -> bool:
    """Whether a beginning is one of some expression without that kind of fault: something usual completes it."""
    beginning, closing = text[: tokens[-1][1]], "".join(sign for _, sign in reversed(_open(text, tokens)))
    return any(_is_well(f"{beginning}{more}{closing}{end}", kind) for end in _ENDS for more in _GOES_ON)


def _is_well(text: str, kind: str) -> bool:
    fault = _fault(text)
    return fault is None or (fault.startswith(_MEANING) and not fault.startswith(kind))
