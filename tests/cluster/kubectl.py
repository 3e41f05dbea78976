"""kubectl as tests speak it."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.access import Access

KUBECTL_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Result:
    """What a command said and how it ended."""

    code: int
    stdout: str
    stderr: str


class KubectlFailed(AssertionError):
    """A command that had to succeed did not."""

    def __init__(self, arguments: tuple[str, ...], result: Result) -> None:
        super().__init__(f"kubectl {' '.join(arguments)}: exit {result.code}\n{result.stderr}")
        self.result = result


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with one identity in one namespace.

    Each call is a process of about 0.1 s; what happens thousands of times is better asked of
    `Access.request`.
    """

    program: Path
    kubeconfig: Path
    namespace: str = "default"

    def within(self, namespace: str) -> "Kubectl":
        return Kubectl(self.program, self.kubeconfig, namespace)

    def speaking_as(self, access: Access) -> "Kubectl":
        """The same namespace in another identity's name, or through another address."""
        path = self.kubeconfig.with_name(f"kubeconfig-{abs(hash((access.url, access.token)))}")
        return Kubectl(self.program, access.kubeconfig(path), self.namespace)

    def run(self, *arguments: str, stdin: str = "") -> Result:
        """One command, blocking; never raises for how it ends."""
        process = subprocess.run(
            [self.program, f"--namespace={self.namespace}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=KUBECTL_TIMEOUT_SECONDS,
            check=False,
            # HOME keeps the discovery cache of one test run out of another's, and of the user's.
            env={"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.kubeconfig.parent)},
        )
        return Result(process.returncode, process.stdout, process.stderr)

    async def __call__(self, *arguments: str, stdin: str = "") -> Result:
        """One command; never raises for how it ends."""
        return await asyncio.to_thread(self.run, *arguments, stdin=stdin)

    async def must(self, *arguments: str, stdin: str = "") -> str:
        """The stdout of a command that has to succeed; KubectlFailed."""
        result = await self(*arguments, stdin=stdin)
        if result.code != 0:
            raise KubectlFailed(arguments, result)
        return result.stdout

    async def apply(self, text: str) -> str:
        """Apply YAML documents; KubectlFailed with the server's words when one is refused."""
        return await self.must("apply", "--filename=-", stdin=text)

    async def get(self, kind: str, name: str) -> dict[str, Any]:
        return dict(json.loads(await self.must("get", kind, name, "--output=json")))

    async def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object, or None where there is none of that name."""
        text = await self.must("get", kind, name, "--output=json", "--ignore-not-found")
        return dict(json.loads(text)) if text.strip() else None

    async def items(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        text = await self.must("get", kind, f"--selector={selector}", "--output=json")
        return list(json.loads(text)["items"])

    async def delete(self, kind: str, name: str, *, wait: bool = True) -> None:
        await self.must("delete", kind, name, f"--wait={str(wait).lower()}")

    async def patch(
        self, kind: str, name: str, patch: dict[str, Any], *, subresource: str = ""
    ) -> None:
        """A JSON merge patch."""
        more = [f"--subresource={subresource}"] if subresource else []
        await self.must("patch", kind, name, "--type=merge", f"--patch={json.dumps(patch)}", *more)

    async def events(self, kind: str, name: str) -> list[dict[str, Any]]:
        """The Kubernetes Events about one object, oldest first."""
        about = f"involvedObject.kind={kind},involvedObject.name={name}"
        text = await self.must("get", "events", f"--field-selector={about}", "--output=json")
        found = list(json.loads(text)["items"])
        return sorted(
            found, key=lambda event: event["eventTime"] or event["metadata"]["creationTimestamp"]
        )

    async def until(
        self,
        kind: str,
        name: str,
        question: Callable[[dict[str, Any] | None], bool],
        *,
        within: float = 15.0,
    ) -> dict[str, Any]:
        """The object, as soon as the question about it is true (`{}` when that is its absence)."""
        deadline = time.monotonic() + within
        while True:
            found = await self.find(kind, name)
            if question(found):
                return found or {}
            if time.monotonic() > deadline:
                raise AssertionError(f"{kind} {name} is not as awaited after {within} s: {found}")
            await asyncio.sleep(POLL_SECONDS)

    async def condition(
        self,
        kind: str,
        name: str,
        type_: str,
        status: str,
        *,
        reason: str | None = None,
        within: float = 15.0,
    ) -> dict[str, Any]:
        """The object, as soon as a condition has this status and reason for its present generation."""

        def holds(found: dict[str, Any] | None) -> bool:
            condition = _condition(found or {}, type_)
            return (
                condition.get("status") == status
                and reason in (None, condition.get("reason"))
                and condition.get("observedGeneration") == (found or {})["metadata"]["generation"]
            )

        return await self.until(kind, name, holds, within=within)


def _condition(found: dict[str, Any], type_: str) -> dict[str, Any]:
    conditions = found.get("status", {}).get("conditions", ())
    return next((entry for entry in conditions if entry["type"] == type_), {})
