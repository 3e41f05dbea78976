"""The operator and the gateway as processes, as a cluster runs them: TLS, token, ServiceAccount.

    async with planes(tmp_path, kubeconfig=account.kubeconfig, namespace=namespace) as (gateway, operator):
        await gateway.start()
        operator.start()
        await operator.ready()

`gateway` is the acceptance tests' (`tests.acceptance.harness.Gateway`) with a control listener; `operator` an
`OperatorProcess`. Both can be stopped, killed and started again.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.harness import Gateway, Reply, eventually, free_port
from tests.cluster.processes import Program
from tests.receivers import Authority

TOKEN = "control-token-0123456789abcdef"
STARTED_WITHIN = 30.0
NOT_OURS = ("HOOKGATE_", "KUBE")


def environment(**settings: str) -> dict[str, str]:
    """The caller's environment without any setting of ours or of a cluster but these."""
    rest = {k: v for k, v in os.environ.items() if not k.upper().startswith(NOT_OURS)}
    return {**rest, **settings}


class GatewayProcess(Gateway):
    """A gateway that only an operator declares to: control listener over TLS, no folder of manifests."""

    def __init__(self, home: Path, **settings: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.control_port = free_port()
        self.token_file, self.ca_file = home / "control-token", home / "control-ca.crt"
        self.token_file.write_text(TOKEN + "\n")
        authority = Authority()
        self.ca_file.write_bytes(authority.pem)
        leaf = authority.ca.issue_cert("127.0.0.1")
        certificate, key = home / "control.crt", home / "control.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        super().__init__(
            home,
            manifests_dir="",
            control_listen=f"127.0.0.1:{self.control_port}",
            control_token_file=str(self.token_file),
            control_tls_certificate_file=str(certificate),
            control_tls_key_file=str(key),
            **settings,
        )

    @property
    def control_url(self) -> str:
        return f"https://127.0.0.1:{self.control_port}"


class OperatorProcess(Program):
    """One operator. `settings` are those of `HOOKGATE_OPERATOR_`, in lower case."""

    def __init__(self, home: Path, *, kubeconfig: Path, **settings: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        given = {"metrics_listen": f"127.0.0.1:{self.port}", "log_level": "debug", **settings}
        ours = {f"HOOKGATE_OPERATOR_{name.upper()}": value for name, value in given.items()}
        super().__init__(
            [sys.executable, "-m", "hookgate", "operator"],
            home / f"operator-{self.port}.log",
            environment(KUBECONFIG=str(kubeconfig), **ours),
        )

    # ---- life

    async def ended(self, within: float = STARTED_WITHIN) -> int:
        """The exit code, as soon as it has ended by itself."""

        async def question() -> bool:
            return self.exit_code is not None

        await eventually(question, within=within, what="the end of the operator")
        code = self.exit_code
        assert code is not None
        return code

    async def stopped(self) -> int:
        """SIGTERM, and the exit code."""
        self.ask_to_stop()
        return await self.ended()

    async def serving(self, within: float = STARTED_WITHIN) -> None:
        """Come back when its probes answer, ready or not."""
        await self._until(lambda reply: True, within, "the operator serves")

    async def ready(self, within: float = STARTED_WITHIN) -> dict[str, Any]:
        """`/readyz`, as soon as it is 200."""
        reply = await self._until(
            lambda reply: reply.status == 200, within, "the operator is ready"
        )
        return dict(reply.json())

    async def leading(self, within: float = STARTED_WITHIN) -> None:
        """Come back when this replica leads."""
        await self._until(lambda reply: reply.json()["role"] == "leader", within, "it leads")

    async def readyz(self) -> Reply | None:
        return await self._fetch("/readyz")

    async def healthz(self) -> Reply | None:
        return await self._fetch("/healthz")

    # ---- evidence

    async def total(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        reply = await self._fetch("/metrics", within=30.0)
        assert reply is not None, "no metrics"
        wanted = labels.items()
        return sum(
            sample.value
            for family in text_string_to_metric_families(reply.body.decode())
            for sample in family.samples
            if sample.name == name and wanted <= sample.labels.items()
        )

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def events(self) -> list[dict[str, Any]]:
        """The log's lines; every one of them must be an object with an event name.

        One that is being written counts as soon as it has its end.
        """
        whole, _, _ = self.log_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines()]
        assert all(isinstance(line, dict) and line["event"] for line in lines)
        return lines

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.events() if line["event"] == event]

    # ---- how

    async def _until(self, question: Any, within: float, what: str) -> Reply:
        async def holds() -> Reply | None:
            assert self.exit_code is None, f"it left with {self.exit_code}: {self.log_tail()}"
            reply = await self.readyz()
            return reply if reply is not None and question(reply) else None

        try:
            reply = await eventually(holds, within=within, what=what)
        except AssertionError as error:
            last = await self.readyz()
            raise AssertionError(f"{error}; {last}; {self.log_tail()}") from error
        assert reply is not None
        return reply

    async def _fetch(self, path: str, within: float = 5.0) -> Reply | None:
        """None where nobody answers."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within)) as session,
                session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
            ):
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, headers, await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            return None


def operator_settings(gateway: GatewayProcess, namespace: str, **more: str) -> Mapping[str, str]:
    """What an operator of one namespace is told that declares to this gateway."""
    return {
        "gateway_url": gateway.control_url,
        "gateway_token_file": str(gateway.token_file),
        "gateway_ca_file": str(gateway.ca_file),
        "watch_namespaces": namespace,
        "lease_namespace": namespace,
        "lease_seconds": "5",
        **more,
    }


@asynccontextmanager
async def planes(
    home: Path,
    *,
    kubeconfig: Path,
    namespace: str,
    gateway_settings: Mapping[str, str] = MappingProxyType({}),
    **settings: str,
) -> AsyncIterator[tuple[GatewayProcess, OperatorProcess]]:
    """A gateway and the operator of one namespace, not started; both are stopped at the end."""
    gateway = GatewayProcess(home / "gateway", **gateway_settings)
    told = operator_settings(gateway, namespace, **settings)
    operator = OperatorProcess(home / "operator", kubeconfig=kubeconfig, **told)
    try:
        yield gateway, operator
    finally:
        operator.stop()
        await gateway.close()
