"""A control plane of one's own: etcd, kube-apiserver and kube-controller-manager on loopback."""

import asyncio
import http.client
import secrets
import time
from pathlib import Path
from typing import Protocol

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.acceptance.harness import free_port
from tests.cluster.access import Access
from tests.cluster.kubectl import Kubectl
from tests.cluster.processes import Program
from tests.cluster.programs import Programs

READY_WITHIN = 60.0
POLL_SECONDS = 0.05
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "job-controller",
    "endpointslice-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "disruption-controller",
)


class NotReady(Exception):
    """A server did not come up; the message has the end of its log."""


class ControlPlane(Protocol):
    """A cluster that tests may use as they like."""

    admin: Access
    kubeconfig: Path
    version: str

    def kubectl(self, namespace: str = "default", access: Access | None = None) -> Kubectl: ...
    def stop_server(self) -> None: ...
    def start_server(self) -> None: ...
    async def restart_server(self) -> None: ...
    def require_controllers(self) -> None: ...


class OwnControlPlane:
    """Started by the tests and gone with them; its server listens at `address`."""

    def __init__(
        self, programs: Programs, kubectl: Path, home: Path, address: str = "127.0.0.1"
    ) -> None:
        self.home = home
        self.signing_key = home / "service-accounts.pem"
        self._kubectl = kubectl
        self._admin_token = secrets.token_urlsafe(24)
        self._etcd_url = f"http://127.0.0.1:{free_port()}"
        self._address = address
        self._url = f"https://{address}:{free_port()}"
        self.admin = Access(self._url, home / "certificates" / "apiserver.crt", self._admin_token)
        self.kubeconfig = self.admin.kubeconfig(home / "kubeconfig")
        self.version = ""
        self._etcd = Program(
            [
                programs.etcd,
                f"--data-dir={home / 'etcd'}",
                "--unsafe-no-fsync",
                f"--listen-client-urls={self._etcd_url}",
                f"--advertise-client-urls={self._etcd_url}",
                "--listen-peer-urls=http://127.0.0.1:0",
                "--log-level=warn",
            ],
            home / "etcd.log",
        )
        self.server = Program(self._server_arguments(programs.kube_apiserver), home / "server.log")
        manager = programs.kube_controller_manager
        self._manager = manager and Program(
            self._manager_arguments(manager), home / "controller-manager.log"
        )

    # ---- life

    def start(self) -> None:
        """Everything, until it is ready (2 to 3 s); NotReady."""
        self._write_secrets()
        self._etcd.start()
        self.start_server()
        if self._manager:
            self._manager.start()

    def stop(self) -> None:
        for program in (self._manager, self.server, self._etcd):
            if program:
                program.kill()

    def stop_server(self) -> None:
        """The kube-apiserver alone: connections are refused until it is started again.

        Killed, for it would wait for its clients' watches to end; what it answered is in etcd.
        """
        self.server.kill()

    def start_server(self) -> None:
        """The kube-apiserver, until it is ready; NotReady."""
        self.server.start()
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready():
            self._check_still_coming(deadline)
            time.sleep(POLL_SECONDS)

    async def restart_server(self) -> None:
        """The kube-apiserver, without holding up the event loop while it comes; NotReady."""
        self.server.kill()
        self.server.start()  # here: it lives no longer than the thread that starts it
        deadline = time.monotonic() + READY_WITHIN
        while not await asyncio.to_thread(self._ready):
            self._check_still_coming(deadline)
            await asyncio.sleep(POLL_SECONDS)

    def require_controllers(self) -> None:
        if self._manager is None:
            pytest.skip("no kube-controller-manager among the programs")

    def kubectl(self, namespace: str = "default", access: Access | None = None) -> Kubectl:
        """kubectl as admin or as `access`."""
        admin = Kubectl(self._kubectl, self.kubeconfig, namespace)
        return admin.speaking_as(access) if access else admin

    # ---- how

    def _ready(self) -> bool:
        """`/readyz` is 200 and the namespace `default` exists."""
        try:
            if not self.admin.request("GET", "/readyz").ok:
                return False
            if not self.admin.request("GET", "/api/v1/namespaces/default").ok:
                return False
            self.version = str(self.admin.must("GET", "/version")["gitVersion"])
            return True
        except (OSError, http.client.HTTPException):
            return False

    def _check_still_coming(self, deadline: float) -> None:
        for program in (self._etcd, self.server):
            if not program.running or time.monotonic() > deadline:
                raise NotReady(f"{program.log.name}: {program.log_tail()}")

    def _write_secrets(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        self.signing_key.write_bytes(key)
        tokens = f'{self._admin_token},admin,admin,"system:masters"\n'
        (self.home / "tokens.csv").write_text(tokens)

    def _server_arguments(self, program: Path) -> list[str | Path]:
        return [
            program,
            f"--etcd-servers={self._etcd_url}",
            f"--secure-port={self._url.rpartition(':')[2]}",
            f"--bind-address={self._address}",
            f"--advertise-address={self._address}",
            "--endpoint-reconciler-type=none",
            f"--cert-dir={self.admin.ca_file.parent}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.home / 'tokens.csv'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--service-account-issuer={self._url}",
            f"--service-account-key-file={self.signing_key}",
            f"--service-account-signing-key-file={self.signing_key}",
            "--allow-privileged=true",
            "--profiling=false",
            "--disable-admission-plugins=ServiceAccount",
        ]

    def _manager_arguments(self, program: Path) -> list[str | Path]:
        return [
            program,
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--kube-api-qps=500",
            "--kube-api-burst=500",
            f"--root-ca-file={self.admin.ca_file}",
            f"--service-account-private-key-file={self.signing_key}",
            "--use-service-account-credentials=false",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
            "--profiling=false",
        ]
