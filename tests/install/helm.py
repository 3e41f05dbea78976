"""Helm as tests call it: one program, one identity, one namespace."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chart.rendering import CHART, HELMS

TIMEOUT_SECONDS = 110
WAIT_SECONDS = 90
Values = dict[str, Any]


class HelmFailed(AssertionError):
    """A command that had to succeed did not; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Helm:
    """`version` is "Helm 3" or "Helm 4"; blocking, each call is a process."""

    version: str
    kubeconfig: Path
    namespace: str

    def run(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One command; never raises for how it ends."""
        home = self.kubeconfig.parent / "helm"
        return subprocess.run(
            [HELMS[self.version](), f"--namespace={self.namespace}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env={"KUBECONFIG": str(self.kubeconfig), "HOME": str(home)},
        )

    def must(self, *arguments: str | Path, stdin: str = "") -> str:
        """The stdout of a command that has to succeed; HelmFailed."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise HelmFailed(f"helm {arguments}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def upgrade(
        self,
        name: str,
        values: Values | None = None,
        *options: str,
        chart: Path = CHART,
        wait: bool = True,
    ) -> str:
        """`helm upgrade --install`, with nothing of the values before; HelmFailed."""
        waiting = [f"--timeout={WAIT_SECONDS}s", "--wait"] if wait else []
        arguments = ["upgrade", "--install", "--reset-values", name, chart, "--values=-"]
        return self.must(*arguments, *waiting, *options, stdin=json.dumps(values or {}))

    def status(self, name: str) -> dict[str, Any]:
        """What `helm status` tells: `info`, `version`, and with it the notes."""
        return dict(json.loads(self.must("status", name, "--output=json")))

    def objects(self, name: str) -> str:
        """The manifest of a release, as it was installed."""
        return self.must("get", "manifest", name)

    def template(self, name: str, values: Values | None = None, *options: str) -> str:
        """`helm template`, which asks no cluster."""
        arguments = ["template", name, CHART, "--values=-", *options]
        return self.must(*arguments, stdin=json.dumps(values or {}))

    def uninstall(self, name: str) -> str:
        """And wait until what goes is gone."""
        return self.must("uninstall", name, "--wait", f"--timeout={WAIT_SECONDS}s")
