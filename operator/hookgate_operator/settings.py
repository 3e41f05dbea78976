"""
Every setting of the operator: what it means, its unit, its default, and why one would touch it.

The descriptions are the documentation: ``hookgate operator --help`` and docs/reference/operator-settings.md
are made from them. What is secret comes as a file, so that no value here is one.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict
from yarl import URL

from hookgate_operator.gateway_client.address import parse_gateway_url
from hookgate_process.addresses import Listen, ListenAddress
from hookgate_process.settings import (
    EnvironmentSettings,
    LogFormat,
    LogFormatSetting,
    LogLevel,
    LogLevelSetting,
    Reader,
)

__all__ = ["PREFIX", "SETTINGS", "SecretsMode", "Settings"]

PREFIX: Final = "HOOKGATE_OPERATOR_"

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(
    r"(?=.{1,200}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
_OWNER = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._/]{0,199}")
_MANIFESTS: Final = "manifests"
"""What the gateway's own folder of manifests is called as an owner."""


class SecretsMode(StrEnum):
    """How closely Secrets are looked at."""

    WATCH = "Watch"
    GET = "Get"


def _gateway_url(value: object) -> object:
    return parse_gateway_url(value) if isinstance(value, str) else value


def _namespaces(value: object) -> object:
    """Comma separated names, each once, in the order they are written in."""
    if not isinstance(value, str):
        return value
    names = tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))
    return tuple(map(_namespace, names))


def _namespace(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a namespace")
    return name


GatewayUrl = Annotated[URL, NoDecode, BeforeValidator(_gateway_url)]
Namespaces = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_namespaces)]


class Settings(EnvironmentSettings):
    """What one operator process is told. Only the gateway's URL and token are required."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, arbitrary_types_allowed=True)
    prefix: ClassVar[str] = PREFIX

    gateway_url: GatewayUrl = Field(
        description="Where the gateway's control API is: `https://HOST:PORT`. Plain `http` is for"
        " loopback addresses only, because Secrets' values go there.",
        examples=["https://hookgate-control.hookgate.svc:8081"],
    )
    gateway_token_file: Path = Field(
        description="A file with the tokens of the control API, one a line: the first is presented, the"
        " others when it is refused. Read again when it changes, so that a token is rotated without a"
        " restart. Fingerprints are keyed with the first one: another one has everything handed over"
        " once more at the next start.",
        examples=["/etc/hookgate/control-token"],
    )
    gateway_ca_file: Path | None = Field(
        None,
        description="The certificates that the control API's is checked with, PEM, instead of the"
        " system's. Read again when it changes.",
        examples=["/etc/hookgate/control-ca/ca.crt"],
    )
    gateway_class: str = Field(
        "default",
        description="Whose `spec.gatewayClass` is looked after. Objects of other classes are not"
        " touched: no status, no Events. Set it where a cluster has several gateways.",
        examples=["internal"],
    )
    owner_id: str | None = Field(
        None,
        description="The owner under which resources are declared to the gateway, which lets nobody"
        " else change them. Without a value `operator/` and the gateway class. Keep it: with another one"
        " everything belongs to somebody else.",
        examples=["operator/eu-1"],
    )
    watch_namespaces: Namespaces = Field(
        (),
        description="The namespaces to look after, comma separated. Without a value: all of the cluster,"
        " which takes a ClusterRole. What the gateway has of other namespaces is left as it is, also of one"
        " that was listed here before: delete its objects first.",
        examples=["shop,billing"],
    )
    secrets_mode: SecretsMode = Field(
        SecretsMode.WATCH,
        description="`Watch`: a changed Secret with a label `hookgate.dev/watch`, `hookgate.dev/api-key`"
        " or `hookgate.dev/source` reaches the gateway within 2 seconds, others within a minute. `Get`:"
        " all within a minute, and the operator needs no right to watch Secrets.",
        examples=["Get"],
    )
    leader_election: bool = Field(
        True,
        description="Whether a Lease decides which replica works. Without one, never run two.",
        examples=["false"],
    )
    lease_name: str | None = Field(
        None,
        description="The name of the Lease. Without a value `hookgate-operator-` and the gateway class.",
        examples=["hookgate-operator-eu-1"],
    )
    lease_namespace: str | None = Field(
        None,
        description="The namespace of the Lease. Without a value that of the pod, as its ServiceAccount's"
        " mount says; outside a cluster it has to be said.",
        examples=["hookgate"],
    )
    lease_seconds: int = Field(
        15,
        ge=5,
        le=300,
        description="Seconds after which a standby takes over from a leader that has died without a"
        " word. Raise it where the API server is slow: a leader that cannot renew for two thirds of it"
        " ends.",
        examples=["30"],
    )
    metrics_listen: Listen = Field(
        ListenAddress(None, 9090),
        description="Where `/metrics`, `/healthz` and `/readyz` are served. Nothing on it asks for a"
        " key, so keep it inside.",
        examples=["127.0.0.1:9090"],
    )
    resync_seconds: float = Field(
        300.0,
        ge=1,
        le=86400,
        allow_inf_nan=False,
        description="Seconds between two comparisons of the cluster with what the gateway has. They repair"
        " what no watch told; lower it for nothing but trying that.",
        examples=["60"],
    )
    reread_seconds: float = Field(
        60.0,
        ge=1,
        le=3600,
        allow_inf_nan=False,
        description="How old, in seconds, the values of Secrets and ConfigMaps may be that no watch tells of."
        " Raise it where tens of thousands are read again and again.",
        examples=["300"],
    )
    workers: int = Field(
        8,
        ge=1,
        le=256,
        description="Objects that are worked on at the same time. More of them start sooner after a"
        " restart with thousands of subscriptions, and ask the API server and the gateway more at once.",
        examples=["16"],
    )
    watch_stale_seconds: float = Field(
        180.0,
        ge=10,
        le=86400,
        allow_inf_nan=False,
        description="Seconds without a sign of life after which a watch counts as dead and `/healthz`"
        " fails. What keeps it silent and is known (the API server is away, a CRD or a rule is missing)"
        " does not count.",
        examples=["600"],
    )
    log_format: LogFormatSetting = LogFormat.JSON
    log_level: LogLevelSetting = LogLevel.INFO

    @field_validator("lease_namespace")
    @classmethod
    def _a_label(cls, value: str | None) -> str | None:
        if value is not None and not _LABEL.fullmatch(value):
            raise ValueError("expected lower-case letters, digits and dashes, at most 63")
        return value

    @field_validator("gateway_class", "lease_name")
    @classmethod
    def _a_name(cls, value: str | None) -> str | None:
        if value is not None and not _SUBDOMAIN.fullmatch(value):
            raise ValueError("expected lower-case letters, digits, dashes and dots, at most 200")
        return value

    @field_validator("owner_id")
    @classmethod
    def _an_owner(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if value == _MANIFESTS:
            raise ValueError("that is the gateway's own folder of manifests")
        if not _OWNER.fullmatch(value):
            raise ValueError("expected letters, digits and -._/, at most 200")
        return value

    @property
    def owner(self) -> str:
        """The owner under which everything is declared."""
        return self.owner_id or f"operator/{self.gateway_class}"

    @property
    def lease(self) -> str:
        """The Lease's name."""
        return self.lease_name or f"hookgate-operator-{self.gateway_class}"


SETTINGS: Final = Reader(Settings, "operator")
"""Reads what the operator is told."""
