"""
A pod's volumes as folders, with the owners and modes that a kubelet gives them.

Secrets, ConfigMaps and projections are written as a kubelet does it, so that a reader never sees half of an
update: files live in a folder with a time in its name, `..data` points to it and is replaced in one step, and
each visible name is a link through `..data`.
"""

import base64
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.install.podspec import Facts, Lookup, Missing, Unsupported, pod_field

WRITABLE, READ_ONLY = (
    0o660,
    0o440,
)  # what fsGroup adds to files; folders get setgid and 0110 besides
TokenRequest = Callable[[str | None, int], str]
"""An audience and a number of seconds → a token of the pod's ServiceAccount."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a volume that is written for the pod."""

    content: bytes
    mode: int
    owner: int | None = None


def named_data(spec: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The Secrets and ConfigMaps that a pod names, as (`secret` or `configmap`, name)."""
    found: set[tuple[str, str]] = set()
    for volume in spec.get("volumes", ()):
        for source in [volume, *(volume.get("projected") or {}).get("sources", ())]:
            found |= _named_by(source)
    for container in spec["containers"]:
        for variable in container.get("env", ()):
            for reference, kind in (("secretKeyRef", "secret"), ("configMapKeyRef", "configmap")):
                if reference in variable.get("valueFrom", {}):
                    found.add((kind, variable["valueFrom"][reference]["name"]))
        for source in container.get("envFrom", ()):
            for reference, kind in (("secretRef", "secret"), ("configMapRef", "configmap")):
                if reference in source:
                    found.add((kind, source[reference]["name"]))
    return found


def _named_by(source: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = set()
    if secret := source.get("secret"):
        found.add(("secret", secret.get("secretName") or secret["name"]))
    if config := source.get("configMap"):
        found.add(("configmap", config["name"]))
    return found


def decoded(kind: str, found: Mapping[str, Any]) -> dict[str, bytes]:
    """The data of a Secret or ConfigMap."""
    if kind == "secret":
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    binary = found.get("binaryData") or {}
    return plain | {key: base64.b64decode(value) for key, value in binary.items()}


# ---- what is written for the pod


def files(
    volume: Mapping[str, Any], facts: Facts, lookup: Lookup, token: TokenRequest
) -> dict[str, File] | None:
    """The files of a volume that is written, by path; None for one that the pod itself writes.

    Missing for what is named and not there, Unsupported for other kinds of volumes.
    """
    match volume:
        case {"emptyDir": _} | {"persistentVolumeClaim": _}:
            return None
        case {"secret": source}:
            return _data(
                "secret", source["secretName"], source, source.get("defaultMode", 0o644), lookup
            )
        case {"configMap": source}:
            return _data(
                "configmap", source["name"], source, source.get("defaultMode", 0o644), lookup
            )
        case {"downwardAPI": source}:
            return _downward(source["items"], source.get("defaultMode", 0o644), facts)
        case {"projected": source}:
            mode, found = source.get("defaultMode", 0o644), {}
            for each in source["sources"]:
                found |= _projected(each, mode, facts, lookup, token)
            return found
    raise Unsupported(f"volume {volume}")


def _projected(
    source: Mapping[str, Any], mode: int, facts: Facts, lookup: Lookup, token: TokenRequest
) -> dict[str, File]:
    match source:
        case {"secret": inner}:
            return _data("secret", inner["name"], inner, mode, lookup)
        case {"configMap": inner}:
            return _data("configmap", inner["name"], inner, mode, lookup)
        case {"downwardAPI": inner}:
            return _downward(inner["items"], mode, facts)
        case {"serviceAccountToken": inner}:
            text = token(inner.get("audience"), inner.get("expirationSeconds", 3600))
            context = facts.pod["spec"].get("securityContext") or {}
            user = context.get("runAsUser")
            private = user is not None or "fsGroup" in context
            return {inner["path"]: File(text.encode(), 0o600 if private else mode, user)}
    raise Unsupported(f"projected {source}")


def _data(
    kind: str, name: str, source: Mapping[str, Any], mode: int, lookup: Lookup
) -> dict[str, File]:
    data = lookup.get((kind, name))
    if data is None:
        if source.get("optional"):
            return {}
        raise Missing(f'{kind} "{name}" not found')
    if "items" not in source:
        return {key: File(value, mode) for key, value in data.items()}
    found = {}
    for item in source["items"]:
        if item["key"] in data:
            found[item["path"]] = File(data[item["key"]], item.get("mode", mode))
        elif not source.get("optional"):
            raise Missing(f"references non-existent {kind} key: {item['key']}")
    return found


def _downward(items: list[Mapping[str, Any]], mode: int, facts: Facts) -> dict[str, File]:
    return {
        item["path"]: File(
            pod_field(item["fieldRef"]["fieldPath"], facts).encode(), item.get("mode", mode)
        )
        for item in items
    }


# ---- folders


def write(folder: Path, wanted: Mapping[str, File], group: int | None) -> None:
    """Make a folder hold these files, in one step as its readers see it."""
    folder.mkdir(parents=True, exist_ok=True)
    _own(folder, group, READ_ONLY)
    data = folder / f"..{secrets.token_hex(6)}"
    data.mkdir()
    for path, file in wanted.items():
        target = data / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode | (READ_ONLY if group is not None else 0))
        os.chown(
            target, file.owner if file.owner is not None else -1, -1 if group is None else group
        )
    for each in [data, *(inner for inner in data.rglob("*") if inner.is_dir())]:
        each.chmod(0o755)
        _own(each, group, READ_ONLY)
    old = folder / "..data"
    before = old.resolve() if old.is_symlink() else None
    (folder / "..data_tmp").symlink_to(data.name)
    (folder / "..data_tmp").rename(old)
    _link(folder, {path.partition("/")[0] for path in wanted})
    if before is not None:
        shutil.rmtree(before)


def _link(folder: Path, names: set[str]) -> None:
    for name in names:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for entry in folder.iterdir():
        if not entry.name.startswith("..") and entry.name not in names:
            entry.unlink()


def make_writable(folder: Path, group: int | None, mode: int) -> None:
    """A folder that is there for the pod's processes to write to, if `mode` or the group lets them."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(mode)
    for each in [folder, *folder.rglob("*")]:
        if not each.is_symlink():
            _own(each, group, WRITABLE)


def _own(path: Path, group: int | None, mask: int) -> None:
    """What fsGroup does to a file or folder of a volume."""
    if group is None:
        return
    os.chown(path, -1, group)
    more = stat.S_ISGID | 0o110 if path.is_dir() else 0
    path.chmod(stat.S_IMODE(path.stat().st_mode) | mask | more)
