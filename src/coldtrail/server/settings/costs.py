"""What a bill depends on and telemetry does not tell: the section `costs` of the settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from coldtrail.analysis.bill import Architecture, Assumptions, Capacity, Held
from coldtrail.services.prices import PRICES

MOST_LISTED = 10_000


class _Named(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FunctionFacts(_Named):
    """One function. 0 and "" leave it to telemetry and to the defaults."""

    memory_mb: int = Field(default=0, ge=0, le=10_240)
    architecture: Literal["", "x86_64", "arm64"] = ""
    provisioned_concurrency: int = Field(default=0, ge=0, le=1_000_000)
    ephemeral_storage_mb: int = Field(default=0, ge=0, le=10_240)


class TableFacts(_Named):
    """A table with provisioned capacity."""

    read_capacity: int = Field(default=0, ge=0)
    write_capacity: int = Field(default=0, ge=0)


class StreamFacts(_Named):
    """A stream in provisioned mode."""

    shards: int = Field(default=0, ge=0)


class Configuration(_Named):
    """Capacity that is paid for whether it is used or not, by resource; a deployment may say the same (docs/deployments.md)."""

    functions: dict[str, FunctionFacts] = Field(default_factory=dict, max_length=MOST_LISTED)
    tables: dict[str, TableFacts] = Field(default_factory=dict, max_length=MOST_LISTED)
    streams: dict[str, StreamFacts] = Field(default_factory=dict, max_length=MOST_LISTED)

    def held(self, hours: Decimal, source: str) -> list[Held]:
        """Return the capacity of so many hours."""
        told: list[tuple[str, str, Capacity, int]] = []
        for name, function in self.functions.items():
            told.append(("lambda", name, "provisioned_concurrency", function.provisioned_concurrency))
            told.append(("lambda", name, "ephemeral_storage_mb", function.ephemeral_storage_mb))
        for name, table in self.tables.items():
            told.append(("dynamodb", name, "read_capacity", table.read_capacity))
            told.append(("dynamodb", name, "write_capacity", table.write_capacity))
        told += [("kinesis", name, "shards", stream.shards) for name, stream in self.streams.items()]
        return [Held(service, name, what, units * hours, source) for service, name, what, units in told if units]


class Costs(Configuration):
    """How costs are worked out. ``region`` "": the one that telemetry names most."""

    region: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    architecture: Architecture = "x86_64"
    free_tier: bool = False
    gateway: Literal["rest", "http"] = "rest"
    logs: Literal["cloudwatch", "elsewhere"] = "cloudwatch"
    tenant_attribute: str = Field(default="tenant.id", min_length=1, max_length=128)
    express_machines: list[str] = Field(default_factory=list, max_length=MOST_LISTED)
    prices: dict[str, Decimal] = Field(default_factory=dict)

    @field_validator("prices", mode="before")
    @classmethod
    def _flat(cls, prices: object) -> object:
        """TOML makes tables of `lambda.requests = 0.18`."""
        if not isinstance(prices, dict):
            return prices
        flat: dict[str, object] = {}
        for name, one in prices.items():
            inner = cls._flat(one) if isinstance(one, dict) else {}
            flat |= (
                {f"{name}.{rest}": usd for rest, usd in inner.items()}
                if isinstance(inner, dict) and inner
                else {name: one}
            )
        return {name: repr(usd) if isinstance(usd, float) else usd for name, usd in flat.items()}

    @field_validator("prices")
    @classmethod
    def _known(cls, prices: dict[str, Decimal]) -> dict[str, Decimal]:
        for name, usd in prices.items():
            if name not in PRICES:
                raise ValueError(f'has no price "{name}"; see docs/costs.md for their names')
            if not usd.is_finite() or usd < 0:
                raise ValueError(f'must have a price in US dollars for "{name}", got {usd}')
        return prices

    def assumptions(self) -> Assumptions:
        """Return what a bill assumes."""
        return Assumptions(
            architecture=self.architecture,
            gateway=self.gateway,
            express_machines=frozenset(self.express_machines),
            logs_in_cloudwatch=self.logs == "cloudwatch",
            memory_mb={name: one.memory_mb for name, one in self.functions.items() if one.memory_mb},
            architectures={name: one.architecture for name, one in self.functions.items() if one.architecture},
        )
