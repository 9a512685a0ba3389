"""`limits`: what the account and its resources may use, where that is not what AWS gives by default."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from coldtrail.services import ALL_SERVICES


def _limits(value: object) -> object:
    """Flatten `lambda.memory = 1` in TOML, which nests, and say which quota is none of ours."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, Any] = {}
    for name, one in value.items():
        flat |= {f"{name}.{inner}": limit for inner, limit in one.items()} if isinstance(one, dict) else {name: one}
    known = {quota.id for service in ALL_SERVICES for quota in service.quotas}
    for name in flat:
        if name.partition("/")[0] not in known:
            raise ValueError(f'has no quota "{name}": the ids are in docs/limits.md and at /api/v1/limits')
    return flat


Limits = Annotated[dict[str, Annotated[float, Field(gt=0)]], BeforeValidator(_limits)]
"""Limits of the account, by the id of a quota, or its id, a slash and a resource's name."""
