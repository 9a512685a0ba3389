"""Settings: flags win over `COLDTRAIL_*` variables, these over `coldtrail.toml`, these over the defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from coldtrail.server.listening.guard import is_loopback
from coldtrail.server.settings.costs import Costs
from coldtrail.server.settings.limits import Limits
from coldtrail.server.settings.notify import Notify
from coldtrail.store.dsn import BadDsn, parse_dsn
from coldtrail.store.engine import DEFAULT_MEMORY_BYTES

TOML = "coldtrail.toml"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class BadSettings(ValueError):
    """A setting is not what it must be; the message says which, where and what to write instead."""


def _duration_s(value: object) -> int:
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"(\d+)\s*([smhdw])", str(value).strip())
    if not match:
        raise ValueError(f'must be a duration such as "30d", got "{value}"')
    return int(match[1]) * _UNITS[match[2]]


DurationS = Annotated[int, BeforeValidator(_duration_s), Field(gt=0)]


InferredKind = Literal["calls", "triggers", "delivers"]
"""Edges that times may tell where no id is left."""


class Retention(BaseSettings):
    """How long each signal is kept, counted from its receipt."""

    spans: DurationS = 14 * 86_400
    logs: DurationS = 14 * 86_400
    metrics: DurationS = 30 * 86_400


CorrelationField = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\s*]+$")]


class Correlation(BaseSettings):
    """Which fields hold correlation ids, besides those that are taken for such anyway; ``learn``: and those that behave so."""

    fields: list[CorrelationField] = Field(default_factory=list, max_length=128)
    learn: bool = True


class Settings(BaseSettings):
    """Everything that `coldtrail up` can be told. Port 0 switches a listener off."""

    model_config = SettingsConfigDict(
        env_prefix="COLDTRAIL_", env_nested_delimiter="__", toml_file=TOML, extra="forbid", validate_default=True
    )

    data: Path = Path(".coldtrail")
    host: str = "127.0.0.1"
    port: int = Field(4319, ge=0, le=65_535)
    otlp_http_port: int = Field(4318, ge=0, le=65_535)
    otlp_grpc_port: int = Field(4317, ge=0, le=65_535)
    xray_port: int = Field(2000, ge=0, le=65_535)
    store: str = ""
    state: str = ""
    token: str = ""
    insecure: bool = False
    engine_memory_bytes: int = Field(DEFAULT_MEMORY_BYTES, ge=300_000_000)
    wal_bound_bytes: int = Field(2 << 30, ge=1 << 20)
    disk_floor_bytes: int = Field(512 << 20, ge=0)
    max_body_bytes: int = Field(20 << 20, ge=1 << 10)
    max_inflated_bytes: int = Field(64 << 20, ge=1 << 10)
    retention: Retention = Field(default_factory=Retention)
    correlation: Correlation = Field(default_factory=Correlation)
    costs: Costs = Field(default_factory=Costs)
    limits: Limits = Field(default_factory=dict)
    notify: Notify = Field(default_factory=Notify)
    infer_edges: tuple[InferredKind, ...] = ("calls", "triggers", "delivers")

    @property
    def dsn(self) -> str:
        """The store's DSN; by default the embedded engine inside the data folder."""
        return self.store or f"chdb://{self.data.resolve() / 'store'}"

    @property
    def state_url(self) -> str:
        """The SQLAlchemy URL of the database of findings and decisions; by default SQLite inside the data folder."""
        return self.state or f"sqlite:///{self.data.resolve() / 'state.db'}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the listeners."""
        return is_loopback(self.host)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def read_settings(flags: dict[str, Any]) -> Settings:
    """Return the settings with ``flags`` (those that were given) on top.

    Raises:
        BadSettings: one is wrong, or another host was asked for without a token.
    """
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{TOML}: {error}") from None
    except ValidationError as error:
        raise BadSettings("\n".join(_problem(one) for one in error.errors())) from None
    if not settings.is_loopback and not settings.token and not settings.insecure:
        raise BadSettings(
            f"--host {settings.host} can be reached from other machines: give a --token (or COLDTRAIL_TOKEN) that senders "
            "and readers must show, or --insecure if the network is yours alone"
        )
    try:
        parse_dsn(settings.dsn)
    except BadDsn as error:
        raise BadSettings(str(error)) from None
    return settings


def _problem(error: Any) -> str:
    path = [str(part) for part in error["loc"]]
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "is not a setting"
    return f"{_where(path)}{'.'.join(path)} {message[0].lower() + message[1:]}"


def _where(path: list[str]) -> str:
    """Say the line of a setting where it stands in the file."""
    try:
        lines = Path(TOML).read_text().splitlines()
    except OSError:
        return ""
    section = ""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("["):
            section = text.strip("[] ")
        elif re.match(rf"{re.escape(path[-1])}\s*=", text) and section == ".".join(path[:-1]):
            return f"{TOML} line {number}: "
    return ""
