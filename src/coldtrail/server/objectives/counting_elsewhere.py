"""Counts for objectives from elsewhere than telemetry's tables: PromQL expressions, and outcomes of workflows."""

from __future__ import annotations

import numpy as np
import structlog

from coldtrail.model.objectives import MetricsSli, OutcomesSli
from coldtrail.server.objectives.counting import CountOther
from coldtrail.server.prometheus.series import Selection
from coldtrail.server.promql.evaluate import Evaluator, parse
from coldtrail.server.promql.values import BadQuery, Floats, Vector
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.sli.events import count_outcomes
from coldtrail.watch.series import Series

log = structlog.get_logger(__name__)

EXACT = 1_024
"""Counts are rounded to such parts of one, so that sums of them are exact."""

Counts = dict[int, tuple[float, float]]


def elsewhere(engine: Engine) -> dict[str, CountOther]:
    """Return what counts the series that are not read together."""

    def metrics(one: Series, since_s: int, until_s: int) -> Counts:
        assert isinstance(one.sli, MetricsSli)
        return count_metrics(engine, one.sli, since_s, until_s)

    def outcomes(one: Series, since_s: int, until_s: int) -> Counts:
        assert isinstance(one.sli, OutcomesSli)
        return count_outcomes(engine, one.sli.workflow, one.sli.good, since_s, until_s)

    return {"metric": metrics, "outcome": outcomes}


def count_metrics(engine: Engine, sli: MetricsSli, since_s: int, until_s: int) -> Counts:
    """Return good and valid events of each minute: the sums over all series of each expression as the minute ends."""
    if since_s >= until_s:
        return {}
    ends_ms = np.arange(since_s + 60, until_s + 60, 60, dtype=np.int64) * 1_000
    try:
        good, valid = (_events(engine, text, ends_ms) for text in (sli.good, sli.valid))
    except (BadQuery, EngineError) as error:
        if getattr(error, "passing", False):
            raise
        log.warning("an objective's metrics cannot be asked", reason=str(error)[:300])
        return {}
    return {
        since_s + 60 * step: (min(one, all_), all_)
        for step, (one, all_) in enumerate(zip(good.tolist(), valid.tolist(), strict=True))
        if all_ > 0
    }


def _events(engine: Engine, expression: str, ends_ms: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    value = Evaluator(Selection(engine).lines, ends_ms, int(ends_ms[0]), int(ends_ms[-1])).value(parse(expression))
    if not isinstance(value, Vector):
        raise BadQuery("expected a vector of counts, got a scalar or a text")
    counts = np.where(value.present, np.nan_to_num(value.values, posinf=0.0, neginf=0.0), 0.0).sum(axis=0)
    return np.asarray(np.rint(np.maximum(counts, 0) * EXACT) / EXACT)
