"""Images as an archive of the OCI image layout, which containerd imports."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAUSE = "hookgate.test/pause:1"
"""The image of what holds a pod's namespaces."""
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def archive(root: Path, images: Mapping[str, Mapping[str, Any]], where: Path) -> Path:
    """One archive with an image for each name, whose configuration it maps to; all have the one layer `root`."""
    layout = where / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layer = _layer(root, blobs)
    manifests = [_image(blobs, layer, name, config) for name, config in images.items()]
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    target = where / "images.tar"
    _tar(layout, target)
    return target


def _layer(root: Path, blobs: Path) -> dict[str, Any]:
    temporary = blobs / "layer"
    _tar(root, temporary)
    with temporary.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    layer = temporary.rename(blobs / digest)
    return {"mediaType": _LAYER, "digest": f"sha256:{digest}", "size": layer.stat().st_size}


def _image(
    blobs: Path, layer: Mapping[str, Any], name: str, config: Mapping[str, Any]
) -> dict[str, Any]:
    machine = platform.machine()
    described = {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        "created": "1970-01-01T00:00:00Z",
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _blob(blobs, _CONFIG, described),
        "layers": [layer],
    }
    return _blob(blobs, _MANIFEST, manifest) | {"annotations": {"io.containerd.image.name": name}}


def _blob(blobs: Path, media_type: str, content: Mapping[str, Any]) -> dict[str, Any]:
    data = json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def _tar(folder: Path, target: Path) -> None:
    names = sorted(each.name for each in folder.iterdir())
    command = ["tar", "--create", "--numeric-owner", "--sort=name", f"--file={target}"]
    subprocess.run([*command, f"--directory={folder}", *names], check=True)
