"""
The webhook URL that the upstream is given instead of the client's, and the client's put back.

The upstream always gets the gateway's own ingest route: subscriptions want to hear of runs that have no
webhook of their own, too. What the upstream answers, and what it reports, repeats that route; clients
see the URL that they gave.

Behind it stands which request the run was made for. It opens nothing: a report is believed for its
signature, and what was asked in another namespace is not found.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from hookgate_gateway.rules.delivery import Namespace

__all__ = ["ASKED", "SOURCE", "forwarded", "ingest_url", "is_ingest_url", "with_own_url"]

SOURCE: Final = "upstream"
"""The name of the built-in source, in each namespace."""


ASKED: Final = "asked"
"""The parameter that says which request a run was made for."""
_QUERY = re.compile(rf"/*\?{ASKED}=\w*")


def ingest_url(public_url: str, namespace: Namespace, asked: str) -> str:
    """Where the upstream reports the run that it was ``asked`` for."""
    return f"{public_url}{_path(namespace)}?{ASKED}={asked}"


def forwarded(
    document: Mapping[str, Any], public_url: str, namespace: Namespace, asked: str
) -> dict[str, Any]:
    """A request in the SDK's spelling, as the upstream gets it."""
    return {**document, "webhook_url": ingest_url(public_url, namespace, asked)}


def is_ingest_url(value: object, namespace: Namespace) -> bool:
    """Whether this is such a URL, under whatever name the gateway was known then."""
    return (
        isinstance(value, str)
        and value.startswith(("http://", "https://"))
        and value.partition("?")[0].rstrip("/").endswith(_path(namespace))
    )


def with_own_url(value: Any, namespace: Namespace, own: str | None) -> Any:
    """A JSON value with ``own`` wherever it has an ingest URL. Raises RecursionError for one too deep.

    Inside a longer text (an error that quotes the URL) it is put there, or nothing.
    """
    if isinstance(value, str):
        return _text(value, namespace, own)
    if isinstance(value, dict):
        return {name: with_own_url(item, namespace, own) for name, item in value.items()}
    if isinstance(value, list):
        return [with_own_url(item, namespace, own) for item in value]
    return value


def _text(text: str, namespace: Namespace, own: str | None) -> str | None:
    if is_ingest_url(text, namespace) and not any(map(str.isspace, text)):
        return own
    path = _path(namespace)
    while (end := text.find(path)) >= 0:
        start = max(text.rfind("http://", 0, end), text.rfind("https://", 0, end))
        query = _QUERY.match(text, end + len(path))
        rest = text[query.end() if query else end + len(path) :]
        text = text[: start if start >= 0 else end] + (own or "") + rest
        if own and path in own:  # a client may name such a URL itself: once is enough
            break
    return text


def _path(namespace: Namespace) -> str:
    return f"/v1/ingest/{namespace}/{SOURCE}"
