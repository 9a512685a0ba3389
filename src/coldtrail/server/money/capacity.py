"""Which capacity was held over a range: as deployments announced it, and surer, as CloudWatch's metrics tell."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs
from pydantic import ValidationError

from coldtrail.analysis.bill import Held
from coldtrail.server.settings.costs import Configuration
from coldtrail.state.deployments import Deployment
from coldtrail.store.costs.capacity import Metered

HOUR_NS = 3600 * 10**9
SERVICE_OF = {"read_capacity": "dynamodb", "write_capacity": "dynamodb", "provisioned_concurrency": "lambda"}

_Key = tuple[str, str, str]


def held_of_metrics(metered: Metered) -> list[Held]:
    """Return what metrics tell."""
    return [
        Held(SERVICE_OF[what], resource, what, hours, "CloudWatch's metrics")
        for (resource, what), hours in sorted(metered.held.items())
        if hours
    ]


def held_of_deployments(deployments: list[Deployment], since_ns: int, until_ns: int) -> list[Held]:
    """Return what announced configurations, oldest first, add up to over a range.

    What one says of a resource holds until a later one of the same environment says otherwise; a 0 ends it.
    """
    now: dict[tuple[str, _Key], tuple[int, Held]] = {}
    spans: dict[_Key, list[Held]] = {}

    def close(key: tuple[str, _Key], at_ns: int) -> None:
        from_ns, held = now.pop(key)
        hours = Decimal(max(0, min(at_ns, until_ns) - max(from_ns, since_ns))) / HOUR_NS
        if hours:
            kept = structs.replace(held, unit_hours=held.unit_hours * hours)
            spans.setdefault(key[1], []).append(kept)

    for one in deployments:
        if one.status == "failed" or (configuration := _configuration(one)) is None:
            continue
        told = {
            (held.service, held.resource, held.what): structs.replace(held, owners=one.services)
            for held in configuration.held(Decimal(1), "a deployment")
        }
        for key in [key for key in now if key[0] == one.environment and key[1][:2] in _resources(configuration)]:
            close(key, one.time_ns)
        now |= {(one.environment, key): (one.time_ns, held) for key, held in told.items()}
    for key in list(now):
        close(key, until_ns)
    return [
        structs.replace(many[-1], unit_hours=sum((one.unit_hours for one in many), Decimal(0)))
        for many in spans.values()
    ]


def _resources(configuration: Configuration) -> set[tuple[str, str]]:
    kinds = {"lambda": configuration.functions, "dynamodb": configuration.tables, "kinesis": configuration.streams}
    return {(service, name) for service, named in kinds.items() for name in named}  # type: ignore[attr-defined]


def _configuration(one: Deployment) -> Configuration | None:
    try:
        return Configuration.model_validate(one.configuration)
    except ValidationError:
        return None
