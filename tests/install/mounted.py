"""What a pod mounts: its volumes made, kept up to date, and its ServiceAccount's tokens renewed."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from tests.install import volumes
from tests.install.api import Api, Object, Refused
from tests.install.containers import Mount
from tests.install.podspec import Facts, Missing, Unsupported

LOOKED_AT_EVERY = 0.5  # seconds; a kubelet looks after mounted Secrets each minute
TOKENS_RENEWED_AT = 0.8  # of their life
ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
_ACCOUNT = "kube-api-access"


class Claimed(Protocol):
    """Where the folder of a claim is; Missing until it is bound."""

    def __call__(self, namespace: str, name: str) -> Path: ...


class Mounted:
    """The volumes of one pod, under `folder`."""

    def __init__(
        self, api: Api, facts: Facts, folder: Path, claimed: Claimed, *, automount: bool
    ) -> None:
        self.lookup: dict[tuple[str, str], dict[str, bytes]] = {}
        """What its Secrets and ConfigMaps hold, as it was last read."""
        self._api = api
        self._facts = facts
        self._folder = folder
        self._claimed = claimed
        self._spec = facts.pod["spec"]
        self._namespace = facts.pod["metadata"]["namespace"]
        self._with_account = self._spec.get("automountServiceAccountToken", automount)
        self._written: dict[str, dict[str, volumes.File]] = {}
        self._tokens: dict[tuple[str | None, int], tuple[str, float]] = {}

    def of(self, container: Object) -> list[Mount]:
        """What a container mounts; Unsupported."""
        wanted = [*container.get("volumeMounts", ())]
        if self._with_account:
            wanted.append({"name": _ACCOUNT, "mountPath": ACCOUNT_FOLDER, "readOnly": True})
        return [self._mount(each) for each in wanted]

    # ---- life

    async def make(self) -> None:
        """Make what is not there, and renew what has changed; Missing, Refused, Unsupported."""
        await self.read()
        await self._request_tokens()
        group = (self._spec.get("securityContext") or {}).get("fsGroup")
        for volume in self._volumes:
            wanted = volumes.files(volume, self._facts, self.lookup, self._token)
            name, source = volume["name"], self._source(volume)
            if wanted is None and name not in self._written:
                mode = 0o777 if "emptyDir" in volume else 0o755
                volumes.make_writable(source, group, mode)
                self._written[name] = {}
            elif wanted is not None and self._written.get(name) != wanted:
                volumes.write(source, wanted, group)
                self._written[name] = wanted

    async def keep(self) -> None:
        """Renew them for ever; what is missing by now stays as it was."""
        while True:
            await asyncio.sleep(LOOKED_AT_EVERY)
            with contextlib.suppress(Missing, Refused, aiohttp.ClientError):
                await self.make()

    async def read(self) -> None:
        """The Secrets and ConfigMaps that the pod names, as they are now."""
        found = {}
        for kind, name in volumes.named_data({**self._spec, "volumes": self._volumes}):
            at = f"/api/v1/namespaces/{self._namespace}/{kind}s/{name}"
            if (data := await self._api.find(at)) is not None:
                found[kind, name] = volumes.decoded(kind, data)
        self.lookup = found

    # ---- folders

    @property
    def _volumes(self) -> list[Object]:
        account = [account_volume()] if self._with_account else []
        return [*self._spec.get("volumes", ()), *account]

    def _source(self, volume: Object) -> Path:
        if "persistentVolumeClaim" in volume:
            return self._claimed(self._namespace, volume["persistentVolumeClaim"]["claimName"])
        return self._folder / volume["name"]

    def _mount(self, mount: Object) -> Mount:
        found = [each for each in self._volumes if each["name"] == mount["name"]]
        if not found or "subPathExpr" in mount:
            raise Unsupported(f"volumeMount {mount}")
        read_only = mount.get("readOnly", False) or not is_writable(found[0])
        return Mount(
            self._source(found[0]) / mount.get("subPath", ""), mount["mountPath"], read_only
        )

    # ---- tokens

    def _token(self, audience: str | None, seconds: int) -> str:
        return self._tokens[audience, seconds][0]

    async def _request_tokens(self) -> None:
        """Those that the projections ask for, bound to the pod, new ones in time."""
        account = self._spec.get("serviceAccountName", "default")
        at = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}/token"
        for audience, seconds in self._asked_for():
            known = self._tokens.get((audience, seconds))
            if known is None or known[1] < time.monotonic():
                wanted = {"spec": self._request(audience, seconds)}
                made = await self._api.ask("POST", at, wanted)
                until = time.monotonic() + TOKENS_RENEWED_AT * seconds
                self._tokens[audience, seconds] = made["status"]["token"], until

    def _asked_for(self) -> Iterator[tuple[str | None, int]]:
        for volume in self._volumes:
            for source in (volume.get("projected") or {}).get("sources", ()):
                if asked := source.get("serviceAccountToken"):
                    yield asked.get("audience"), asked.get("expirationSeconds", 3600)

    def _request(self, audience: str | None, seconds: int) -> dict[str, Any]:
        metadata = self._facts.pod["metadata"]
        pod = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
        audiences = {} if audience is None else {"audiences": [audience]}
        return {"boundObjectRef": pod, "expirationSeconds": seconds, **audiences}


def is_writable(volume: Object) -> bool:
    """Whether the pod may write there, if its mount lets it."""
    return bool({"emptyDir", "persistentVolumeClaim"} & set(volume))


def account_volume() -> Object:
    """What admission adds to a pod that wants the token of its ServiceAccount."""
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    roots = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": roots},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": _ACCOUNT, "projected": {"sources": sources, "defaultMode": 0o644}}
