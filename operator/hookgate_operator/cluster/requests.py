"""
One request to the API server: a deadline, its bytes as a document, its failure as an error of the ports.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio.client import ApiClient

from hookgate_operator.cluster.access import Access
from hookgate_operator.cluster.errors import Call, Expired, refusal, silence
from hookgate_operator.cluster.observing import ClusterObserver
from hookgate_operator.ports import Unavailable

__all__ = ["MERGE_PATCH", "METADATA_ONLY", "PAGE", "Requests"]

MERGE_PATCH: Final = "application/merge-patch+json"
METADATA_ONLY: Final = (
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
"""Lists without specs, statuses and values."""

_DEADLINE: Final = 15.0
_LIST_DEADLINE: Final = 60.0
_REACHABLE_WITHIN: Final = 5.0
PAGE: Final = 500
_RESTARTS: Final = 3
_METHODS: Final = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "patch": "PATCH",
    "delete": "DELETE",
}
_NO_ANSWER: Final = "none"


class _Answer(NamedTuple):
    code: int
    headers: Mapping[str, str]
    body: bytes


class Requests:
    """Asks the API server. Every method may raise ClusterError."""

    def __init__(self, client: ApiClient, access: Access, observer: ClusterObserver) -> None:
        self._client = client
        self._access = access
        self._observer = observer

    async def ask(
        self,
        call: Call,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        deadline: float = _DEADLINE,
    ) -> Any:
        """The document that is answered."""
        path = call.resource.path(call.namespace, call.name, call.subresource)
        url = path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": accept, "Content-Type": content_type}
        try:
            answer = await self._exchange(call, url, headers, body, deadline)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observer.cluster_request(call.verb, call.what, _NO_ANSWER)
            raise silence(call, error) from error
        self._observer.cluster_request(call.verb, call.what, str(answer.code))
        if answer.code == 401:
            self._access.refused.set()
        if answer.code >= 400:
            raise refusal(call, answer.code, answer.headers, answer.body)
        return _document(call, answer.body)

    async def pages(
        self, call: Call, *, selector: str = "", accept: str = "application/json", page: int = PAGE
    ) -> list[Any]:
        """All objects of a list. A continuation that expired begins the list again."""
        for _ in range(_RESTARTS):
            try:
                return [
                    item
                    async for document in self._each_page(call, selector, accept, page)
                    for item in document.get("items") or ()
                ]
            except Expired:
                continue
        raise Unavailable(f"{call}: the list expired {_RESTARTS} times while it was read")

    async def _each_page(
        self, call: Call, selector: str, accept: str, page: int
    ) -> AsyncIterator[Any]:
        query = {"limit": str(page)}
        if selector:
            query["labelSelector"] = selector
        while True:
            document = await self.ask(call, query=query, accept=accept, deadline=_LIST_DEADLINE)
            yield document
            token = (document.get("metadata") or {}).get("continue")
            if not token:
                return
            query["continue"] = token

    async def _exchange(
        self, call: Call, url: str, headers: dict[str, str], body: Any, deadline: float
    ) -> _Answer:
        headers["User-Agent"] = self._client.user_agent
        if authorization := await self._access.authorization():
            headers["Authorization"] = authorization
        response = await self._client.call_api(
            _METHODS[call.verb],
            self._client.configuration.host + url,
            header_params=headers,
            body=body,
            _request_timeout=aiohttp.ClientTimeout(total=deadline, sock_connect=_REACHABLE_WITHIN),
        )
        try:
            data = await response.response.read()
            return _Answer(response.status, response.response.headers, data)
        finally:
            response.response.release()


def _document(call: Call, data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data)
    except ValueError as error:
        raise Unavailable(f"{call}: the API server's answer is no JSON") from error
