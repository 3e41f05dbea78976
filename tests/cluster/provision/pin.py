"""Writes the `go.mod` and `go.sum` that pin one Kubernetes version: `python -m tests.cluster.provision.pin 1.37.2`.

Kubernetes' own go.mod points its staging modules at folders beside itself, which a module that
merely requires it does not have. Their list changes between minor versions, so it is read from
there and turned into the versions that were published with it.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMMANDS = HERE / "commands"
VERSIONS = HERE / "versions"

KUBERNETES = "k8s.io/kubernetes"
ETCD = "go.etcd.io/etcd/server/v3"


def go_mod(own: dict[str, Any], version: str) -> str:
    """The go.mod that builds `version` (as "1.37.2"), after Kubernetes' own as JSON."""
    staging_version = "v0." + version.split(".", 1)[1]
    replaces = []
    for entry in own["Replace"] or ():
        old, new = entry["Old"]["Path"], entry["New"]
        if new["Path"].startswith("./staging/"):
            new = {"Path": old, "Version": staging_version}
        replaces.append(f"replace {old} => {new['Path']} {new['Version']}")
    etcd = next(entry["Version"] for entry in own["Require"] if entry["Path"] == ETCD)
    lines = [
        "module hookgate.dev/hookgate/tests/cluster",
        "",
        f"go {own['Go']}",
        "",
        *(f"godebug {setting['Key']}={setting['Value']}" for setting in own.get("GoDebug") or ()),
        "",
        f"require {KUBERNETES} v{version}",
        f"require {ETCD} {etcd}",
        "",
        *replaces,
    ]
    return "\n".join(lines) + "\n"


def pin(version: str, commands: Path = COMMANDS, target: Path | None = None) -> Path:
    """Write the pins of `version`, as these main packages need them, and return their folder."""
    downloaded = json.loads(_go("mod", "download", "-json", f"{KUBERNETES}@v{version}"))
    own = json.loads(_go("mod", "edit", "-json", downloaded["GoMod"]))
    target = target or VERSIONS / version.rpartition(".")[0]
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        module = Path(temporary)
        shutil.copytree(commands, module, dirs_exist_ok=True)
        (module / "go.mod").write_text(go_mod(own, version))
        _go("mod", "tidy", cwd=module)
        for name in ("go.mod", "go.sum"):
            shutil.copy(module / name, target / name)
    return target


def _go(*arguments: str, cwd: Path | None = None) -> str:
    return subprocess.run(
        ["go", *arguments], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        sys.stdout.write(f"{pin(wanted)}\n")
