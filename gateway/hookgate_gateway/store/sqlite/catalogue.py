"""The catalogue's rows: written through the writer, read beside it, secrets encrypted in between."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import Changes, OwnedByAnother, ResourceDraft, StoredResource
from hookgate_gateway.rules.delivery import Namespace, Timestamp
from hookgate_gateway.store.alarm import Alarm
from hookgate_gateway.store.cipher import Cipher
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.reader import Reader, Snapshot

__all__ = ["SqliteCatalogue"]

_PAGE = 50
"""Resources whose secrets are looked at in one go."""


class SqliteCatalogue:
    """Implements the port CatalogueStore."""

    def __init__(self, link: Link, reader: Reader, cipher: Cipher, alarm: Alarm) -> None:
        self._link = link
        self._reader = reader
        self._cipher = cipher
        self._alarm = alarm

    async def put(self, draft: ResourceDraft, now: Timestamp) -> int:
        document = orjson.dumps(draft.document)
        secrets = self._cipher.encrypt(draft.secrets)
        request = (*_fields(draft.key), draft.owner, draft.fingerprint, draft.suspended,
                   draft.clears_gone, draft.fills_gap, now, len(document))  # fmt: skip
        return await self._change("put", draft.key, request, (document, secrets))

    async def delete(self, key: ResourceKey, owner: str, now: Timestamp) -> int:
        return await self._change("delete", key, (*_fields(key), owner, now))

    async def resume(self, key: ResourceKey, now: Timestamp) -> int:
        return await self._change("resume", key, (*_fields(key), now))

    async def _change(
        self, kind: str, key: ResourceKey, request: Sequence[Any], bodies: Sequence[bytes] = ()
    ) -> int:
        (revision, owner), _ = await self._link.request(kind, request, bodies)
        if revision is None:
            raise OwnedByAnother(key, owner)
        self._alarm.ring()
        return int(revision)

    async def changes(self, since: int) -> Changes:
        def look(snapshot: Snapshot) -> tuple[int, list[Any], list[Any]]:
            return (
                snapshot.row("revision")[0],
                snapshot.rows("changed_resources", since=since),
                snapshot.rows("removed_resources", since=since),
            )

        revision, changed, removed = await self._reader.read(look)
        return Changes(
            revision,
            tuple(self._resource(row) for row in changed),
            tuple(_key(*row) for row in removed),
        )

    async def check_key(self) -> None:
        """Raises StoreRefused when the secrets in the store were encrypted with other keys."""
        row = await self._reader.read(lambda snapshot: snapshot.row("any_secrets"))
        if row is not None:
            self._cipher.decrypt(row[0])

    async def rotate(self, cipher: Cipher) -> int:
        """Use another cipher from now on, and encrypt what is stored with its first key; returns how many.

        Raises StoreRefused when it does not open everything in the store: nothing has changed then.
        """
        async for page in self._pages():
            for *_, token in page:
                cipher.decrypt(token)
        self._cipher = cipher
        return await self.reencrypt()

    async def reencrypt(self) -> int:
        """Encrypt what is under another key than the first with the first; returns how many."""
        replaced = 0
        async for page in self._pages():
            changes = [(row, self._cipher.renew(row[3])) for row in page]
            stale = [(row, token) for row, token in changes if token is not None]
            if stale:
                request = [(*row[:3], len(token), len(row[3])) for row, token in stale]
                bodies = [part for row, token in stale for part in (token, row[3])]
                done, _ = await self._link.request("replace_secrets", request, bodies)
                replaced += int(done)
        return replaced

    async def _pages(self) -> AsyncIterator[Sequence[Any]]:
        """All encrypted values with their keys, few at a time: decrypting one takes 30 µs."""
        after = ("", "", "")
        while True:
            kind, namespace, name = after
            place = {"kind": kind, "namespace": namespace, "name": name, "limit": _PAGE}
            page = await self._reader.read(partial(_secrets_after, place))
            if not page:
                return
            yield page
            after = page[-1][:3]

    def _resource(self, row: Sequence[Any]) -> StoredResource:
        (kind, namespace, name, owner, fingerprint, document, secrets, revision, created_at, gone_at,
         resumed_at, deleted_at, suspended_at) = row  # fmt: skip
        return StoredResource(
            key=_key(kind, namespace, name),
            owner=owner,
            fingerprint=fingerprint,
            document=orjson.loads(document),
            secrets=self._cipher.decrypt(secrets),
            revision=revision,
            created_at=created_at,
            gone_at=gone_at,
            resumed_at=resumed_at,
            deleted_at=deleted_at,
            suspended_at=suspended_at,
        )


def _secrets_after(place: Mapping[str, Any], snapshot: Snapshot) -> list[Any]:
    return snapshot.pick("secrets_after", place)


def _fields(key: ResourceKey) -> tuple[str, str, str]:
    return key.kind.value, key.namespace, key.name


def _key(kind: str, namespace: str, name: str) -> ResourceKey:
    return ResourceKey(ResourceKind(kind), Namespace(namespace), name)
