"""Prometheus' query API below `/prometheus`: what Grafana, promtool and other readers of Prometheus speak.

Source: Prometheus documentation, "HTTP API": parameters in the address or as a form, numbers as text, errors as
`{"status": "error", "errorType", "error"}`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
import numpy as np
import promql_parser
from litestar import HttpMethod, Request, Response, Router, route
from litestar.params import Parameter

from coldtrail import __version__
from coldtrail.server.prometheus.series import Selection
from coldtrail.server.promql.evaluate import MOST_STEPS, Evaluator, Matcher, matchers_of, parse
from coldtrail.server.promql.values import NAME, BadQuery, Labels, Value, Vector
from coldtrail.store.engine_errors import EngineError, Unreachable

JSON = "application/json"
MOST_QUERY_BYTES = 16_384
MOST_FORM_BYTES = 1 << 20
DAY_MS = 24 * 3_600_000
SPEAKS = "2.55.0"
"""The Prometheus whose API this is; Grafana asks for it."""

Parameters = dict[str, list[str]]
_ASKED: dict[str, Any] = {
    "http_method": [HttpMethod.GET, HttpMethod.POST],
    "status_code": 200,
    "include_in_schema": False,
}


def _success(data: Any) -> Response[bytes]:
    return Response(msgspec.json.encode({"status": "success", "data": data}), media_type=JSON, status_code=200)


def _error(status: int, kind: str, reason: str) -> Response[bytes]:
    body = {"status": "error", "errorType": kind, "error": reason[:1000]}
    return Response(msgspec.json.encode(body), media_type=JSON, status_code=status)


async def _answer(request: Request[Any, Any, Any], ask: Callable[[Selection, Parameters], Any]) -> Response[bytes]:
    """Answer a question in a thread of its own, since the engine waits there."""
    parameters = parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if request.method == "POST":
        body = await request.body()
        if len(body) > MOST_FORM_BYTES:
            return _error(413, "bad_data", f"the form has more than {MOST_FORM_BYTES} bytes")
        for name, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items():
            parameters.setdefault(name, []).extend(values)
    selection = Selection(request.app.state.service.engine)
    try:
        return _success(await asyncio.to_thread(ask, selection, parameters))
    except BadQuery as error:
        return _error(400, "bad_data", str(error))
    except EngineError as error:
        if isinstance(error, Unreachable):
            return _error(503, "unavailable", str(error))
        return _error(
            422, "execution", f"the engine refused the query (code {error.code}): take a shorter range or fewer series"
        )


@route("/query", **_ASKED)
async def query(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Evaluate an expression at one time."""

    def ask(selection: Selection, parameters: Parameters) -> Any:
        at_ms = _time_ms(parameters, "time", time.time_ns() // 10**6)
        value = _evaluate(selection, parameters, np.array([at_ms], dtype=np.int64))
        at_s = at_ms / 1000
        if isinstance(value, str):
            return {"resultType": "string", "result": [at_s, value]}
        if not isinstance(value, Vector):
            return {"resultType": "scalar", "result": [at_s, number(value[0])]}
        rows = zip(value.labels, value.values, value.present, strict=True)
        result = [{"metric": labels, "value": [at_s, number(one[0])]} for labels, one, present in rows if present[0]]
        return {"resultType": "vector", "result": result}

    return await _answer(request, ask)


@route("/query_range", **_ASKED)
async def query_range(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Evaluate an expression at each step of a range."""

    def ask(selection: Selection, parameters: Parameters) -> Any:
        start_ms, end_ms = _time_ms(parameters, "start"), _time_ms(parameters, "end")
        step_ms = _duration_ms(_one(parameters, "step"))
        if step_ms <= 0 or end_ms < start_ms:
            raise BadQuery("step must be positive, and end not before start")
        if (end_ms - start_ms) // step_ms >= MOST_STEPS:
            raise BadQuery(f"exceeded maximum resolution of {MOST_STEPS} points per timeseries: take a longer step")
        at = np.arange(start_ms, end_ms + 1, step_ms, dtype=np.int64)
        value = _evaluate(selection, parameters, at)
        if isinstance(value, str):
            raise BadQuery("a text has no values over a range")
        if not isinstance(value, Vector):
            value = Vector([{}], value[None, :], np.ones((1, len(at)), dtype=bool))
        seconds = (at / 1000).tolist()
        return {"resultType": "matrix", "result": list(_matrix(value, seconds))}

    return await _answer(request, ask)


def _matrix(vector: Vector, seconds: list[float]) -> Iterator[dict[str, Any]]:
    ordered = sorted(range(len(vector.labels)), key=lambda row: sorted(vector.labels[row].items()))
    for row in ordered:
        steps = np.flatnonzero(vector.present[row]).tolist()
        if steps:
            values = vector.values[row].tolist()
            yield {"metric": vector.labels[row], "values": [[seconds[step], number(values[step])] for step in steps]}


def _evaluate(selection: Selection, parameters: Parameters, at: Any) -> Value:
    text = _one(parameters, "query")
    if len(text) > MOST_QUERY_BYTES:
        raise BadQuery(f"the query has more than {MOST_QUERY_BYTES} characters")
    return Evaluator(selection.lines, at, int(at[0]), int(at[-1])).value(parse(text))


@route("/series", **_ASKED)
async def series(request: Request[Any, Any, Any]) -> Response[bytes]:
    """List the series that selectors match."""

    def ask(selection: Selection, parameters: Parameters) -> Any:
        if not parameters.get("match[]"):
            raise BadQuery("no match[] parameter provided")
        return list(_distinct(selection, parameters))

    return await _answer(request, ask)


def _distinct(selection: Selection, parameters: Parameters) -> Iterator[Labels]:
    """Every series once, of those that match any of the selectors, or of all."""
    now_ms = time.time_ns() // 10**6
    start_ms, end_ms = _time_ms(parameters, "start", now_ms - DAY_MS), _time_ms(parameters, "end", now_ms)
    most = int(_one(parameters, "limit", "0") or 0) if _one(parameters, "limit", "0").isdigit() else 0
    seen: set[tuple[tuple[str, str], ...]] = set()
    for selector in parameters.get("match[]") or [""]:
        for labels in selection.labels(_matchers(selector), start_ms, end_ms):
            key = tuple(sorted(labels.items()))
            if key not in seen:
                seen.add(key)
                yield labels
            if most and len(seen) >= most:
                return


def _matchers(selector: str) -> list[Matcher]:
    if not selector:
        return []
    node = parse(selector)
    if not isinstance(node, promql_parser.VectorSelector):
        raise BadQuery(f'match[] must be a selector such as up{{job="a"}}, got "{selector[:100]}"')
    return matchers_of(node)


@route("/labels", **_ASKED)
async def labels(request: Request[Any, Any, Any]) -> Response[bytes]:
    """List the names of labels."""
    return await _answer(
        request, lambda selection, asked: sorted({name for one in _distinct(selection, asked) for name in one})
    )


@route("/label/{name:str}/values", **_ASKED)
async def label_values(request: Request[Any, Any, Any], name: Annotated[str, Parameter()]) -> Response[bytes]:
    """List the values of a label."""

    def ask(selection: Selection, parameters: Parameters) -> Any:
        if name == NAME and not parameters.get("match[]"):
            start_ms = _time_ms(parameters, "start", time.time_ns() // 10**6 - DAY_MS)
            return sorted({one.name for one in selection.names(start_ms)})
        return sorted({one[name] for one in _distinct(selection, parameters) if name in one})

    return await _answer(request, ask)


@route("/metadata", **_ASKED)
async def metadata(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Say of what kind each metric is, by the name of its family."""

    def ask(selection: Selection, parameters: Parameters) -> Any:
        wanted = _one(parameters, "metric", "")
        found: dict[str, list[dict[str, str]]] = {}
        for one in selection.names(time.time_ns() // 10**6 - DAY_MS):
            family = (
                one.name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
                if one.part != "value"
                else one.name
            )
            if wanted in ("", family, one.name):
                found[family] = [{"type": one.type, "help": one.help, "unit": one.unit}]
        return found

    return await _answer(request, ask)


@route("/status/buildinfo", **_ASKED)
async def buildinfo(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Say which Prometheus' API this is."""
    told = {
        "version": SPEAKS,
        "revision": f"coldtrail {__version__}",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }
    return await _answer(request, lambda selection, parameters: told)


def number(value: float) -> str:
    """Return a number as Prometheus writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value)).removesuffix(".0")


def _one(parameters: Parameters, name: str, default: str | None = None) -> str:
    values = parameters.get(name)
    if not values:
        if default is None:
            raise BadQuery(f"the parameter {name} is missing")
        return default
    return values[0]


def _time_ms(parameters: Parameters, name: str, default_ms: int | None = None) -> int:
    """Unix seconds with a fraction, or RFC 3339."""
    text = _one(parameters, name, "" if default_ms is not None else None)
    if not text and default_ms is not None:
        return default_ms
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = datetime.fromisoformat(text).timestamp()
        except ValueError:
            raise BadQuery(f'{name} must be Unix seconds or an RFC 3339 time, got "{text[:60]}"') from None
    if not 0 <= seconds < 4_102_444_800:
        raise BadQuery(f"{name} must be a time between 1970 and 2100")
    return round(seconds * 1000)


def _duration_ms(text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = promql_parser.parse_duration(text).total_seconds()
        except ValueError:
            raise BadQuery(f'step must be seconds or a duration such as 1m, got "{text[:60]}"') from None
    if not 0 < seconds < 10**9:
        raise BadQuery("step must be positive")
    return max(1, round(seconds * 1000))


router = Router(
    path="/prometheus/api/v1",
    route_handlers=[query, query_range, series, labels, label_values, metadata, buildinfo],
    include_in_schema=False,
)
