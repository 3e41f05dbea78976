"""
Every setting of the gateway: what it means, its unit, its default, and why one would touch it.

The descriptions are the documentation: ``hookgate gateway --help`` and the README's table are made
from them. What is secret comes as a file, so that no value here is one.
"""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from hookgate_gateway.rules.egress_rules import EgressRules
from hookgate_gateway.settings.values import parse_base_url, parse_dns_servers, parse_store
from hookgate_process.addresses import Listen, ListenAddress, MaybeListen
from hookgate_process.settings import (
    EnvironmentSettings,
    LogFormat,
    LogFormatSetting,
    LogLevel,
    LogLevelSetting,
)

__all__ = ["PREFIX", "Settings", "StoreSettings"]


PREFIX = "HOOKGATE_"


def _allowed(value: object) -> object:
    return EgressRules.parse(value) if isinstance(value, str) else value


def _dns_servers(value: object) -> object:
    return parse_dns_servers(value) if isinstance(value, str) else value


def _base_url(value: object) -> object:
    return parse_base_url(value) if isinstance(value, str) else value


def _store(value: object) -> object:
    return parse_store(value) if isinstance(value, str) else value


Allowed = Annotated[EgressRules, NoDecode, BeforeValidator(_allowed)]
DnsServers = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_dns_servers)]
BaseUrl = Annotated[str, BeforeValidator(_base_url)]
Store = Annotated[Path, NoDecode, BeforeValidator(_store)]


class StoreSettings(EnvironmentSettings):
    """Where the store is, and what opens it: all that maintenance is told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)
    prefix: ClassVar[str] = PREFIX

    store: Store = Field(
        description="Where everything accepted is kept: `sqlite:///path/hookgate.db`; what follows the"
        " three slashes is the path as it stands. Required. Put it on a local disk: losing it loses"
        " what was not delivered yet.",
        examples=["sqlite:///hookgate.db"],
    )
    encryption_keys_file: Path | None = Field(
        None,
        description="A file with Fernet keys, one a line, that encrypt Secrets in the store; the first"
        " encrypts, the others still decrypt. A new first line is taken up within 2 seconds and"
        " everything encrypted with it. Without one, a key is made beside the store"
        " with mode 0600.",
        examples=["/etc/hookgate/encryption-keys"],
    )


class Settings(StoreSettings):
    """What one gateway process is told. Only ``store`` is required."""

    listen: Listen = Field(
        ListenAddress(None, 8080),
        description="Where clients and engines reach the gateway: `host:port`, `[IPv6]:port` or"
        " `:port` for every interface.",
        examples=["127.0.0.1:8080"],
    )
    metrics_listen: Listen = Field(
        ListenAddress(None, 9090),
        description="Where `/metrics`, `/healthz` and `/readyz` are served. Nothing on it asks for a"
        " key, so keep it inside.",
        examples=["127.0.0.1:9090"],
    )
    control_listen: MaybeListen = Field(
        None,
        description="Where the operator reaches the control API. Off without a value. Beyond loopback it"
        " is served with TLS only.",
        examples=["127.0.0.1:8081"],
    )
    control_token_file: Path | None = Field(
        None,
        description="A file with the tokens that the control API accepts, one a line, each of at least"
        " 16 characters. Required with `HOOKGATE_CONTROL_LISTEN`. Read again when it changes: put a new"
        " token beside the old one to rotate it.",
        examples=["/etc/hookgate/control-token"],
    )
    control_tls_certificate_file: Path | None = Field(
        None,
        description="The certificate chain of the control API, PEM. Loaded again when it changes.",
        examples=["/etc/hookgate/control-tls/tls.crt"],
    )
    control_tls_key_file: Path | None = Field(
        None,
        description="The private key of that certificate, PEM, without a passphrase.",
        examples=["/etc/hookgate/control-tls/tls.key"],
    )
    manifests_dir: Path | None = Field(
        None,
        description="The folder of manifests (`.yaml`, `.yml`, `.json`) with subscriptions and"
        " Secrets. A change is taken up within 2 seconds. Without one the gateway knows nobody.",
        examples=["/etc/hookgate/manifests"],
    )
    egress_allow: Allowed = Field(
        EgressRules(),
        description="Addresses that deliveries may go to although they are refused by default, comma"
        " separated: `[namespace/](CIDR|host|*.suffix)[:port]`. A CIDR opens exactly its own"
        " addresses; a host name lifts the refusal of private ranges only. Set it for receivers"
        " inside your own network.",
        examples=["10.20.0.0/16,billing/hooks.internal.example:8443"],
    )
    dns_servers: DnsServers = Field(
        (),
        description="Name servers to ask for the names of receivers instead of the system's, comma"
        " separated: an address, or `address:port`. Set it where receivers are known to a resolver of"
        " their own.",
        examples=["10.0.0.53,10.0.1.53:5353"],
    )
    upstream_url: BaseUrl | None = Field(
        None,
        description="The Skyvern server that runs what clients ask for: creation, look and cancel are"
        " forwarded to it, and its webhooks come in here. Without one, runs are only registered and"
        " somebody reports them. Needs the two settings that follow.",
        examples=["http://skyvern.skyvern.svc:8000"],
    )
    upstream_api_key_file: Path | None = Field(
        None,
        description="A file with the API keys of that server, one a line: the first is sent, its"
        " webhooks may be signed with any. Read again when it changes: put a new key in front of the"
        " old one to rotate it.",
        examples=["/etc/hookgate/upstream-api-key"],
    )
    public_url: BaseUrl | None = Field(
        None,
        description="How that server reaches this gateway: what stands before `/v1/ingest/…` in the"
        " webhook URL that it is given.",
        examples=["http://hookgate.hookgate.svc:8080"],
    )
    max_body_bytes: int = Field(
        8 * 1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="Largest report accepted, in bytes; a larger one is answered 413. Raise it for"
        " runs with very large outputs.",
        examples=["16777216"],
    )
    body_memory_bytes: int = Field(
        832 * 1024 * 1024,
        ge=16 * 1024 * 1024,
        le=1024**4,
        description="Memory for bodies that arrive, wait or are sent, in bytes; beyond it callers get 503"
        " and large deliveries wait. It divides into what each part may hold. The process takes more:"
        " 256 MiB, and 30 times the largest report. Set it where memory is scarce, or for many large"
        " reports.",
        examples=["536870912"],
    )
    key_requests_per_second: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Requests a second that each API key may make; more are answered 429 with"
        " `Retry-After`. Both values of a rotating key count together. Set it where tenants share a"
        " gateway.",
        examples=["200"],
    )
    key_request_burst: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Requests that an API key may make at once after a pause. Without a value: what"
        " it may make in 2 seconds.",
        examples=["1000"],
    )
    namespace_max_pending: int = Field(
        5_000_000,
        ge=0,
        description="Deliveries of one namespace that may be pending, held ones included; reports"
        " beyond are answered 429 until some have ended. A fuse against a dead receiver that fills"
        " the disk: lower it where tenants share a gateway. 0 sets no limit.",
        examples=["500000"],
    )
    max_connections: int = Field(
        8192,
        ge=1,
        le=1_000_000,
        description="Connections of clients at the same time; more are answered 503 and closed. Each"
        " takes a file descriptor.",
        examples=["2000"],
    )
    max_connections_per_address: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        description="The same for each client address (an IPv6 client is its /64). A proxy is one"
        " address for all its clients; without a proxy in front, a few hundred are plenty.",
        examples=["200"],
    )
    max_inflight: int = Field(
        1024,
        ge=1,
        le=65536,
        description="Attempts under way at the same time, over all targets. One namespace uses at"
        " most half. Lower it where file descriptors or memory are scarce.",
        examples=["256"],
    )
    retention_days: float = Field(
        30.0,
        gt=0,
        le=3650,
        allow_inf_nan=False,
        description="Days that an event is kept after all its deliveries ended; as long it can be"
        " looked at and replayed, and its duplicates are recognised. A run with a webhook URL that has"
        " not ended is kept for 366 days more.",
        examples=["7"],
    )
    delete_grace_seconds: float = Field(
        3600.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds that deliveries of a deleted subscription are held before they are"
        " cancelled; the same subscription created again within them takes its deliveries up.",
        examples=["600"],
    )
    shutdown_grace_seconds: float = Field(
        35.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds after SIGTERM that attempts under way may take to finish. Longer than"
        " the longest `timeoutSeconds`, and shorter than the platform's own limit.",
        examples=["60"],
    )
    shutdown_drain_seconds: float = Field(
        5.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds after SIGTERM that the gateway, no longer ready, goes on accepting:"
        " load balancers need a moment to notice. 0 where nothing balances.",
        examples=["0"],
    )
    metrics_subscription_label: bool = Field(
        True,
        description="Whether metrics carry the name of the subscription. Switch it off with"
        " thousands of subscriptions.",
        examples=["false"],
    )
    log_format: LogFormatSetting = LogFormat.JSON
    log_level: LogLevelSetting = LogLevel.INFO
