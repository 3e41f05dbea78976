"""
The upstream that the settings ask for, or none.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hookgate_gateway.observe import NOBODY, Observer
from hookgate_gateway.settings import Settings
from hookgate_gateway.upstream.addresses import SOURCE
from hookgate_gateway.upstream.client import UpstreamClient
from hookgate_gateway.upstream.engine import RunOwners, Upstream
from hookgate_process.failures import CannotStart
from hookgate_process.watched_files import SecretWords, UnusableFile

__all__ = ["open_upstream", "upstream_keys"]

_URL = "HOOKGATE_UPSTREAM_URL"
_KEY = "HOOKGATE_UPSTREAM_API_KEY_FILE"
_PUBLIC = "HOOKGATE_PUBLIC_URL"


def upstream_keys(settings: Settings, observer: Observer) -> SecretWords | None:
    """The keys of the upstream, the one to send first; None without one. Put a new key in front of the old
    one, let runs that were started with the old one end, take it out.

    Raises CannotStart for settings that do not fit.
    """
    file = settings.upstream_api_key_file
    if settings.upstream_url is None:
        if file is not None:
            raise CannotStart(f"{_KEY} says nothing without {_URL}; set both or none")
        return None
    if file is None:
        raise CannotStart(f"{_URL} needs {_KEY}: a file with an API key of that server")
    if settings.public_url is None:
        raise CannotStart(f"{_URL} needs {_PUBLIC}: how that server reaches this gateway")
    if settings.public_url == settings.upstream_url:
        raise CannotStart(f"{_URL} and {_PUBLIC} are the same; runs would go round in a circle")
    try:
        return SecretWords(
            file,
            "key",
            changed=lambda count: observer.event("upstream_keys_changed", keys=count),
            refused=lambda why: observer.error("upstream_keys_unusable", error=why),
        )
    except UnusableFile as error:
        raise CannotStart(f"{_KEY}: {error}") from None


@asynccontextmanager
async def open_upstream(
    settings: Settings,
    keys: SecretWords | None,
    owners: RunOwners,
    observer: Observer,
    answer_bytes: int,
) -> AsyncIterator[Upstream | None]:
    """The upstream until the end of the block; its answers may hold ``answer_bytes`` together."""
    if keys is None or settings.upstream_url is None or settings.public_url is None:
        yield None
        return
    observer.source_begins(NOBODY, SOURCE)
    async with UpstreamClient(settings.upstream_url, keys, answer_bytes=answer_bytes) as client:
        yield Upstream(
            client=client,
            keys=keys,
            public_url=settings.public_url,
            owners=owners,
            observer=observer,
        )
