"""One pod on the node: its network, its volumes, its containers with their probes, its end."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.install import containers, podspec, probes, status
from tests.install.api import Api, Object, Refused
from tests.install.containers import Container, Wanted
from tests.install.image import Image
from tests.install.mounted import Claimed, Mounted
from tests.install.podspec import Facts, Missing, Unsupported
from tests.install.sandbox import Sandbox
from tests.install.status import ContainerState

AGAIN_AFTER = 0.25
LOG_TAIL = 1500  # characters
RESTART_AFTER = (0.0, 0.5, 1.0, 2.0)  # seconds; a kubelet: at once, then 10 s, 20 s, 40 s


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the pods of a node have in common."""

    api: Api
    sandbox: Sandbox
    image: Image
    home: Path
    cgroups: str
    probing: aiohttp.ClientSession
    services: Callable[[str], list[Object]]
    """Those that a namespace's pods are told of."""
    claimed: Claimed


class Pod:
    """From the moment it is bound to the node until it is deleted."""

    def __init__(self, shared: Shared, found: Object, *, automount: bool) -> None:
        metadata = found["metadata"]
        self.name, self.namespace = str(metadata["name"]), str(metadata["namespace"])
        self.containers: dict[str, Container] = {}
        """Those that have been started, by name."""
        self.ending = False
        self._shared = shared
        self._found = found
        self._spec: Mapping[str, Any] = found["spec"]
        self._uid = str(metadata["uid"])
        self._automount = automount
        self._address = ""
        self._changed = asyncio.Event()
        self._starting = asyncio.Lock()
        """Held while a container is being started, which then is not lost."""
        self._states = {
            each["name"]: ContainerState(each["name"], each["image"])
            for each in self._spec["containers"]
        }

    def log(self, container: str) -> Path:
        """What all runs of a container wrote."""
        return self._folder / f"{container}.log"

    def story(self) -> str:
        """How its containers stand and what they wrote last."""
        found = []
        for name, state in self._states.items():
            log = self.log(name).read_text(errors="replace") if self.log(name).exists() else ""
            told = f"{state.state}, restarted {state.restarts} times, {state.probed or 'no probe failed'}"
            found.append(f"--- {self.name}/{name}: {told}\n{log[-LOG_TAIL:]}")
        return "\n".join(found)

    @property
    def volumes(self) -> Path:
        """Where its volumes are, each a folder, but for claims'."""
        return self._folder / "volumes"

    # ---- life

    async def live(self) -> None:
        """Run it, until it is cancelled by `end`; Unsupported."""
        podspec.check(self._spec)
        await asyncio.to_thread(self._folder.mkdir, parents=True)
        self._address = await self._shared.sandbox.add_pod(self._uid)
        facts = Facts(
            pod=self._found,
            address=self._address,
            node_address=self._shared.sandbox.address,
            services=self._shared.services(self.namespace),
        )
        folder, claimed = self.volumes, self._shared.claimed
        mounted = Mounted(self._shared.api, facts, folder, claimed, automount=self._automount)
        await self._volumes_made(mounted)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(mounted.keep())
            for container in self._spec["containers"]:
                tasks.create_task(self._keep(container, facts, mounted))

    async def end(self, living: asyncio.Task[None], grace: float) -> None:
        """SIGTERM to all, SIGKILL after `grace` seconds; then the object is deleted."""
        self.ending = True
        async with self._starting:  # what is being started now has to be ended as well
            pass
        await asyncio.gather(*(each.stop(grace) for each in self.containers.values()))
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        if self._address:
            await self._shared.sandbox.remove_pod(self._uid)
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self._uid}}
        with contextlib.suppress(Refused, aiohttp.ClientError):
            await self._shared.api.ask("DELETE", self._path, options)

    async def _volumes_made(self, mounted: Mounted) -> None:
        """Come back when every volume is there; until then its containers wait."""
        while True:
            try:
                return await mounted.make()
            except (Missing, Refused, aiohttp.ClientError) as missing:
                message = f"MountVolume.SetUp failed: {missing}"
                for state in self._states.values():
                    state.state = status.waiting("ContainerCreating", message)
                await self._write_status()
                await asyncio.sleep(AGAIN_AFTER)

    # ---- containers

    async def _keep(self, container: Object, facts: Facts, mounted: Mounted) -> None:
        """Run a container again and again, as `restartPolicy` has it."""
        state = self._states[container["name"]]
        while not self.ending:
            wanted = await self._wanted(container, facts, mounted)
            code = await self._run(container, wanted)
            if self.ending or not self._restarts_after(code):
                return
            pause = RESTART_AFTER[min(state.restarts, len(RESTART_AFTER) - 1)]
            state.restarts += 1
            state.last = state.state
            if pause:
                state.state = status.waiting("CrashLoopBackOff", f"back-off {pause} s")
            self._changed.set()
            await asyncio.sleep(pause)

    def _restarts_after(self, code: int) -> bool:
        policy = self._spec.get("restartPolicy", "Always")
        return policy == "Always" or (policy == "OnFailure" and code != 0)

    async def _wanted(self, container: Object, facts: Facts, mounted: Mounted) -> Wanted:
        """What to run, as soon as all that it names is there."""
        state = self._states[container["name"]]
        while True:
            try:
                return self._made(container, facts, mounted)
            except Missing as missing:
                state.state = status.waiting("CreateContainerConfigError", str(missing))
            except Unsupported as refusal:
                state.state = status.waiting("CreateContainerError", str(refusal))
            self._changed.set()
            await asyncio.sleep(AGAIN_AFTER)
            with contextlib.suppress(Refused, aiohttp.ClientError):
                await mounted.read()

    def _made(self, container: Object, facts: Facts, mounted: Mounted) -> Wanted:
        image = self._shared.image
        variables = podspec.environment(container, facts, mounted.lookup)
        host = self._spec.get("hostname") or self.name
        restarts = self._states[container["name"]].restarts
        name = f"{self._uid[:8]}-{container['name']}-{restarts}"
        return Wanted(
            name=name,
            network=self._uid,
            host_name=host,
            arguments=podspec.arguments(container, variables, image.entry_point),
            variables={**image.variables, **variables},
            working_folder=container.get("workingDir", image.working_folder),
            identity=podspec.identity(self._spec, container, image.user),
            mounts=mounted.of(container),
            etc={
                "hosts": f"127.0.0.1\tlocalhost\n{self._address}\t{host}\n",
                "hostname": f"{host}\n",
                "resolv.conf": podspec.resolver(self.namespace),
            },
            resources=container.get("resources") or {},
            cgroup=f"{self._shared.cgroups}/{name}",
        )

    async def _run(self, container: Object, wanted: Wanted) -> int:
        """One run, from the start to the exit code."""
        sandbox, image = self._shared.sandbox, self._shared.image
        folder, log = self._folder / wanted.name, self.log(container["name"])
        async with self._starting:
            if self.ending:
                return 0
            started = await containers.start(sandbox, image, wanted, folder, log)
            self.containers[container["name"]] = started
        state, since = self._states[container["name"]], _now()
        state.state, state.container_id = status.running(since), wanted.name
        state.started = "startupProbe" not in container
        state.ready = state.started and "readinessProbe" not in container
        self._changed.set()
        probing = asyncio.create_task(self._probe(container, started))
        code = await started.ended()
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
        state.state = status.terminated(code, "Completed" if code == 0 else "Error", since, _now())
        state.ready = state.started = False
        self._changed.set()
        return code

    async def _probe(self, container: Object, running: Container) -> None:
        """Startup first, where it is asked for; then readiness and liveness beside each other."""
        state = self._states[container["name"]]
        grace = float(self._spec.get("terminationGracePeriodSeconds", 30))
        told = status.Told(state, self._changed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_stop_when(told.dead, running, grace))
            if startup := probes.probe_of(container, "startupProbe", self._address):
                watching = probes.watch(startup, self._shared.probing, told.startup)
                asking = tasks.create_task(watching)
                await told.started.wait()
                asking.cancel()
            if "readinessProbe" not in container:
                told.readiness(True, "")
            for kind, verdict in (
                ("readinessProbe", told.readiness),
                ("livenessProbe", told.liveness),
            ):
                if probe := probes.probe_of(container, kind, self._address):
                    tasks.create_task(probes.watch(probe, self._shared.probing, verdict))

    # ---- status

    async def _tell(self) -> None:
        """Write the status whenever something has changed, again where it was not taken."""
        while True:
            self._changed.clear()
            if await self._write_status():
                await self._changed.wait()
            else:
                await asyncio.sleep(AGAIN_AFTER)

    async def _write_status(self) -> bool:
        """Whether the API server has taken it."""
        told = status.pod_status(
            list(self._states.values()),
            before=self._found.get("status", {}),
            address=self._address,
            node_address=self._shared.sandbox.address,
            now=_now(),
            restarts=self._spec.get("restartPolicy", "Always") == "Always",
        )
        try:
            written = await self._shared.api.patch(f"{self._path}/status", {"status": told})
        except (Refused, aiohttp.ClientError):
            return False
        self._found["status"] = written["status"]
        return True

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    @property
    def _folder(self) -> Path:
        return self._shared.home / "pods" / self._uid


async def _stop_when(dead: asyncio.Event, running: Container, grace: float) -> None:
    await dead.wait()
    await running.stop(grace)


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251 a kubelet's clock
