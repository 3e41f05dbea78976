"""The catalogue's rows: written through the writer, read beside it, secrets encrypted in between."""

from collections.abc import Sequence
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
                   draft.clears_gone, now, len(document))  # fmt: skip
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


def _fields(key: ResourceKey) -> tuple[str, str, str]:
    return key.kind.value, key.namespace, key.name


def _key(kind: str, namespace: str, name: str) -> ResourceKey:
    return ResourceKey(ResourceKind(kind), Namespace(namespace), name)
