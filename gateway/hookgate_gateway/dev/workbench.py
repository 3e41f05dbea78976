"""
What the folder of manifests says, as far as the story needs it: who may call, who posts where.

The receiver of the story gets its keys from here, just as a user's receiver gets them from whoever
wrote the manifests.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hookgate.resources.secret_values import trimmed
from hookgate_gateway.catalogue.declared import Declared
from hookgate_gateway.catalogue.keys import read_api_key
from hookgate_gateway.catalogue.manifest_file import Holder, ManifestFile, read_file
from hookgate_gateway.catalogue.manifest_text import ManifestError
from hookgate_gateway.contract import ResourceKind
from hookgate_gateway.dev.receiver import Mailbox
from hookgate_gateway.resolution import Resolved, resolve
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.secret_values import Lookup

__all__ = ["OWN_PATH", "QUICKSTART", "RECEIVER_PORT", "BadManifests", "Workbench", "read_folder"]

QUICKSTART = Path(__file__).parent / "quickstart"
"""The manifests of ``examples/quickstart``: a link in the repository, copies in a package."""

RECEIVER_PORT = 8090
"""Where the quickstart's subscriptions post to."""

OWN_PATH = "/webhooks/own"
"""The receiver's mailbox for runs' own webhooks."""

_SUFFIXES = {".yaml", ".yml", ".json"}


class BadManifests(Exception):
    """The folder cannot be used for the story; ``lines`` say why, one for each problem."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """One namespace of a folder: an API key and the mailboxes that its subscriptions post to."""

    folder: Path
    namespace: Namespace
    api_key: str = field(repr=False)
    mailboxes: Mapping[str, Mailbox]
    """By path."""

    @property
    def has_flaky(self) -> bool:
        return any(mailbox.flaky for mailbox in self.mailboxes.values())


def read_folder(folder: Path, receiver: str = f"127.0.0.1:{RECEIVER_PORT}") -> Workbench:
    """What is declared for the namespace of the first API key. Raises BadManifests.

    ``receiver`` is the ``host:port`` whose paths become mailboxes.
    """
    whole = _together(folder, list(_files(folder)))
    declared = whole.declared.values()
    key = next((d for d in declared if d.key.kind is ResourceKind.API_KEY), None)
    if key is None:
        raise BadManifests(
            [f'{folder}: no Secret is labelled hookgate.dev/api-key: "true", so nobody may call']
        )
    values = read_api_key(whole.values[key.key.namespace, key.key.name], {}).values
    own = Mailbox(path=OWN_PATH, owner="the run itself", keys=tuple(v for _, v in values))
    namespace = key.key.namespace
    return Workbench(
        folder=folder,
        namespace=namespace,
        api_key=trimmed(values[0][1]).decode(),
        mailboxes={OWN_PATH: own} | _mailboxes(namespace, whole, receiver),
    )


def _files(folder: Path) -> Iterator[tuple[str, ManifestFile]]:
    problems: list[str] = []
    if not folder.is_dir():
        raise BadManifests([f"{folder}: is not a folder; name one with manifests in it"])
    for path in sorted(folder.iterdir()):
        if path.suffix not in _SUFFIXES:
            continue
        try:
            yield path.name, read_file(path.read_bytes(), is_json=path.suffix == ".json")
        except ManifestError as error:
            problems += [f"{path}: {line}" for line in error.lines]
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror})")
    if problems:
        raise BadManifests(problems)


def _together(folder: Path, files: list[tuple[str, ManifestFile]]) -> ManifestFile:
    if not files:
        raise BadManifests([f"{folder}: there is no .yaml, .yml or .json file in it"])
    declared = {key: d for _, file in files for key, d in file.declared.items()}
    values = {holder: v for _, file in files for holder, v in file.values.items()}
    return ManifestFile(declared, values)


def _mailboxes(namespace: Namespace, whole: ManifestFile, receiver: str) -> dict[str, Mailbox]:
    found: dict[str, Mailbox] = {}
    problems: list[str] = []
    for declared in whole.declared.values():
        if (
            declared.key.kind is not ResourceKind.SUBSCRIPTION
            or declared.key.namespace != namespace
        ):
            continue
        resolution = resolve(
            namespace, declared.key.name, declared.document, _lookup(namespace, whole.values)
        )
        if not isinstance(resolution, Resolved):
            problems += [
                f"WebhookSubscription {namespace}/{declared.key.name}: {r}"
                for r in resolution.reasons
            ]
            continue
        url = urlsplit(resolution.endpoint.url)
        if url.netloc == receiver:
            found[url.path] = _mailbox(url.path, declared, resolution)
    if problems:
        raise BadManifests(problems)
    return found


def _mailbox(path: str, declared: Declared, resolution: Resolved) -> Mailbox:
    return Mailbox(
        path=path,
        owner=declared.key.name,
        keys=resolution.signing.keys,
        flaky=path.endswith("flaky"),
    )


def _lookup(namespace: Namespace, values: Mapping[Holder, Mapping[str, bytes]]) -> Lookup:
    return lambda name, key: values.get((namespace, name), {}).get(key)
