"""
The upstream that the settings ask for, or none.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hookgate_gateway.observe import Observer
from hookgate_gateway.settings import Settings
from hookgate_gateway.upstream.client import UpstreamClient
from hookgate_gateway.upstream.engine import RunOwners, Upstream
from hookgate_gateway.upstream.keys import UnusableKeys, UpstreamKeys
from hookgate_process.failures import CannotStart

__all__ = ["open_upstream", "upstream_keys"]

_URL = "HOOKGATE_UPSTREAM_URL"
_KEY = "HOOKGATE_UPSTREAM_API_KEY_FILE"
_PUBLIC = "HOOKGATE_PUBLIC_URL"


def upstream_keys(settings: Settings, observer: Observer) -> UpstreamKeys | None:
    """The keys of the upstream; None without one. Raises CannotStart for settings that do not fit."""
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
        return UpstreamKeys(file, observer)
    except UnusableKeys as error:
        raise CannotStart(f"{_KEY}: {error}") from None


@asynccontextmanager
async def open_upstream(
    settings: Settings, keys: UpstreamKeys | None, owners: RunOwners, observer: Observer
) -> AsyncIterator[Upstream | None]:
    """The upstream until the end of the block."""
    if keys is None or settings.upstream_url is None or settings.public_url is None:
        yield None
        return
    async with UpstreamClient(settings.upstream_url, keys) as client:
        yield Upstream(
            client=client,
            keys=keys,
            public_url=settings.public_url,
            owners=owners,
            observer=observer,
        )
