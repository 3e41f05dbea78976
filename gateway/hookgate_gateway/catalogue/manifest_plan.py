"""
What is to be put and deleted so that the catalogue says what the files say.

A function of the files' contents and of what is stored. A file that is bad keeps what it last said: from
memory, or after a restart from the store, whose fingerprints name the file of each resource.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookgate_gateway.catalogue.declared import Declared, is_said_by
from hookgate_gateway.catalogue.manifest_file import Holder, ManifestFile
from hookgate_gateway.contract import ResourceKey
from hookgate_gateway.ports import ResourceDraft, StoredResource

__all__ = ["OWNER", "FileState", "Plan", "file_of", "plan"]

OWNER = "manifests"

Stored = Mapping[ResourceKey, StoredResource]


@dataclass(frozen=True, slots=True)
class FileState:
    """A file of the folder: what it says, or what is wrong with it and what it last said."""

    content: ManifestFile | None = None
    problems: tuple[str, ...] = ()
    last_good: ManifestFile | None = None

    @property
    def good(self) -> ManifestFile | None:
        """What it says, or last said, without a problem."""
        return self.last_good if self.problems or not self.content else self.content


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and which file says each resource."""

    puts: tuple[ResourceDraft, ...]
    deletes: tuple[ResourceKey, ...]
    files: Mapping[ResourceKey, str]
    clashes: Mapping[str, tuple[str, ...]]
    """Files that are bad because another one says the same resource, with a line for each."""


def plan(files: Mapping[str, FileState], stored: Stored) -> Plan:
    """The way from what is stored to what the files say."""
    said = _Said()
    for name in sorted(files, key=lambda name: (_moves(name, files, stored), name)):
        content = files[name].content
        if content and not said.clash(name, content):
            said.take(name, content)
    for name, state in files.items():
        if (state.content is None or name in said.clashes) and state.last_good:
            said.take(name, state.last_good)
    blind = {n for n, s in files.items() if n not in said.taken and s.last_good is None}
    wanted = {key: _draft(resource, said, stored, blind) for key, resource in said.declared.items()}
    return Plan(
        puts=tuple(d for key, d in wanted.items() if not is_said_by(stored.get(key), d)),
        deletes=tuple(_unsaid(stored, said, blind)),
        files=said.files,
        clashes={name: tuple(lines) for name, lines in said.clashes.items()},
    )


def file_of(stored: StoredResource) -> str:
    """The file that said a stored resource of ours."""
    return stored.fingerprint.rpartition("#")[0]


@dataclass(slots=True)
class _Said:
    """What the files say together; the first to say a resource has it."""

    declared: dict[ResourceKey, Declared] = field(default_factory=dict)
    files: dict[ResourceKey, str] = field(default_factory=dict)
    values: dict[Holder, Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    holders: dict[Holder, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    clashes: dict[str, list[str]] = field(default_factory=dict)

    def clash(self, name: str, content: ManifestFile) -> bool:
        lines = [
            f"{key.kind} {key.namespace}/{key.name} is in {self.files[key]}, too; keep one"
            for key in content.declared
            if key in self.files
        ]
        lines += [
            f"{_kind(holder)} is in {self.holders[holder]}, too; keep one"
            for holder in content.values
            if holder in self.holders
        ]
        if lines:
            self.clashes[name] = lines
        return bool(lines)

    def take(self, name: str, content: ManifestFile) -> None:
        """What is said already by another file stays that file's."""
        self.taken.add(name)
        for key, resource in content.declared.items():
            if key not in self.declared:
                self.declared[key], self.files[key] = resource, name
        for holder, values in content.values.items():
            if holder not in self.holders:
                self.values[holder], self.holders[holder] = values, name


def _kind(holder: Holder) -> str:
    namespace, name = holder
    kind, _, bare = name.rpartition("/")
    return f"{'ConfigMap' if kind else 'Secret'} {namespace}/{bare}"


def _moves(name: str, files: Mapping[str, FileState], stored: Stored) -> bool:
    """Whether the file says a resource that another file of the folder said first."""
    content = files[name].content
    former = (stored.get(key) for key in content.declared) if content else ()
    homes = {file_of(resource) for resource in former if resource and resource.owner == OWNER}
    return any(home != name and home in files for home in homes)


def _draft(
    resource: Declared, said: _Said, stored: Stored, blind: set[str]
) -> ResourceDraft:  # fmt: skip
    secrets = dict(_values(resource, said, stored.get(resource.key) if blind else None))
    return ResourceDraft(
        key=resource.key,
        owner=OWNER,
        fingerprint=f"{said.files[resource.key]}#{_digest(resource.document)}",
        document=resource.document,
        secrets=secrets,
    )


def _values(
    resource: Declared, said: _Said, former: StoredResource | None
) -> Iterator[tuple[str, Mapping[str, bytes]]]:
    """The values that go with it. What a file that cannot be read may hold comes from the store."""
    for name in sorted(resource.needs):
        found = said.values.get((resource.key.namespace, name))
        if found is None and former is not None:
            found = former.secrets.get(name)
        if found is not None:
            yield name, found


def _digest(document: Mapping[str, Any]) -> str:
    """Of the document alone: one of Secrets' values could be tried out against guesses."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _unsaid(stored: Stored, said: _Said, blind: set[str]) -> Iterator[ResourceKey]:
    """Resources of ours that no file says any more, those of files that cannot be read excepted."""
    for key, resource in stored.items():
        ours = resource.owner == OWNER and resource.deleted_at is None
        if ours and key not in said.declared and file_of(resource) not in blind:
            yield key
