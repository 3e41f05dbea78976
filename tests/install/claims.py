"""
Plays the provisioner of volumes: claims of the served namespaces are bound at once, each to a folder.

A folder is kept as long as its claim. The finalizer that protects a claim in use goes when no pod uses it;
the control plane of the tests runs no controller for that.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.install.api import Api, Mirror, Object, Refused
from tests.install.podspec import Missing

_PROTECTION = "kubernetes.io/pvc-protection"


def used_by(pods: Iterable[Object], namespace: str) -> set[str]:
    """The names of a namespace's claims that pods use."""
    return {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in pods
        if pod["metadata"]["namespace"] == namespace
        for volume in pod["spec"].get("volumes", ())
        if "persistentVolumeClaim" in volume
    }


class Claims:
    """All claims, as they are now."""

    def __init__(
        self,
        api: Api,
        folder: Path,
        *,
        serves: Callable[[str], bool],
        pods: Callable[[], Iterable[Object]],
    ) -> None:
        self._api = api
        self._folder = folder
        self._serves = serves
        self._pods = pods
        self._change = asyncio.Event()
        self.mirror = Mirror(api, "/api/v1/persistentvolumeclaims", self._change.set)

    def look(self) -> None:
        """Something else than a claim has changed."""
        self._change.set()

    def folder(self, namespace: str, name: str) -> Path:
        """Where a claim's volume is; Missing until it is bound."""
        found = self.mirror.objects.get((namespace, name), {})
        if found.get("status", {}).get("phase") != "Bound":
            raise Missing(f'persistentvolumeclaim "{name}" is not bound')
        return self._folder / str(found["metadata"]["uid"])

    async def serve(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.mirror.keep())
            tasks.create_task(self._provide())

    async def _provide(self) -> None:
        while True:
            self._change.clear()
            for (namespace, name), claim in list(self.mirror.objects.items()):
                if self._serves(namespace):
                    await self._look_after(namespace, name, claim)
            self._forget()
            await self._change.wait()

    async def _look_after(self, namespace: str, name: str, claim: Object) -> None:
        path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
        metadata = claim["metadata"]
        try:
            if metadata.get("deletionTimestamp") and name not in used_by(self._pods(), namespace):
                kept = [each for each in metadata.get("finalizers", ()) if each != _PROTECTION]
                await self._api.patch(path, {"metadata": {"finalizers": kept}})
            elif claim.get("status", {}).get("phase") != "Bound":
                capacity = claim["spec"]["resources"]["requests"]
                bound = {
                    "phase": "Bound",
                    "capacity": capacity,
                    "accessModes": claim["spec"]["accessModes"],
                }
                await self._api.patch(f"{path}/status", {"status": bound})
        except Refused as answer:
            if answer.status not in (404, 409):
                raise

    def _forget(self) -> None:
        """The folders of claims that are gone go as well."""
        known = {each["metadata"]["uid"] for each in self.mirror.objects.values()}
        for folder in self._folder.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder)
