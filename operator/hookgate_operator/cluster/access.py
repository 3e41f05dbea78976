"""
Who the operator is for the API server, and how it is reached.

One configuration for the client and the watches. Tokens of ServiceAccounts expire within the hour and are
replaced in their file; the file is looked at before each request.
"""

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_kube_config
from kubernetes.aio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)
from yaml import YAMLError

from hookgate_process.failures import CannotStart
from hookgate_process.watched_files import WatchedFiles

__all__ = ["Access", "Credentials", "load_access"]

_TOKEN: Final = "BearerToken"  # noqa: S105  # what the client library calls it
_REFRESH_SECONDS: Final = 60.0
_REFUSED_SECONDS: Final = 5.0
"""After so many seconds what a kubeconfig names is loaded again if it was refused: a plugin is a process."""
_CONNECTIONS: Final = 32
_DEFAULT_KUBECONFIG: Final = "~/.kube/config"
_UNREADABLE: Final = (ConfigException, OSError, YAMLError, ValueError, TypeError)
"""What the client library raises about a kubeconfig, a file or a plugin that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody else needs to speak to the same server in the same name."""

    server: str
    scheme: str | None = None
    """Of the Authorization header."""
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    insecure: bool = False
    proxy: str | None = None


class Access:
    """A configuration of the client library, kept fresh."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.refused = asyncio.Event()
        """Set by whoever was answered 401: another token may be there by now."""

    async def authorization(self) -> str | None:
        """The Authorization header as it has to be now."""
        header = await self.configuration.get_api_key_with_prefix(_TOKEN)
        return header.strip() if header else None  # a file ends with a newline, a header must not

    async def credentials(self) -> Credentials:
        """The same as values."""
        scheme, _, token = (await self.authorization() or "").partition(" ")
        configuration = self.configuration
        return Credentials(
            server=configuration.host,
            scheme=scheme or None,
            token=token.strip() or None,
            ca_file=configuration.ssl_ca_cert or None,
            certificate_file=configuration.cert_file or None,
            key_file=configuration.key_file or None,
            insecure=not configuration.verify_ssl,
            proxy=configuration.proxy or None,
        )


async def load_access(
    kubeconfig: Path | None,
    *,
    token_file: str = SERVICE_TOKEN_FILENAME,
    ca_file: str = SERVICE_CERT_FILENAME,
) -> Access:
    """A named kubeconfig; else as a pod of the cluster; else KUBECONFIG or ~/.kube/config.

    Raises CannotStart.
    """
    configuration = Configuration(
        connection_pool_maxsize=_CONNECTIONS,
        # A proxy of the environment is not meant for the API server; a kubeconfig can name one.
        client_session_kwargs={"trust_env": False},
    )
    access = Access(configuration)
    try:
        if kubeconfig is None and SERVICE_HOST_ENV_NAME in os.environ:
            _as_pod(configuration, token_file, ca_file)
        else:
            await _as_user(access, kubeconfig)
    except _UNREADABLE as error:
        raise CannotStart(
            f"the access to the cluster cannot be read ({_why(error)}); run inside a cluster "
            "with a ServiceAccount, or set KUBECONFIG to a kubeconfig"
        ) from error
    return access


def _as_pod(configuration: Configuration, token_file: str, ca_file: str) -> None:
    loader = InClusterConfigLoader(token_file, ca_file, try_refresh_token=False)  # type: ignore[no-untyped-call]
    loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    file = WatchedFiles(Path(token_file))

    def refresh(configuration: Configuration) -> None:
        """A new token as soon as it is there, not within a minute as the library would."""
        if file.changed() and (token := _token(token_file)):
            configuration.api_key[_TOKEN] = f"Bearer {token}"

    configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]
    configuration.api_key[_TOKEN] = f"Bearer {_token(token_file)}"


async def _as_user(access: Access, kubeconfig: Path | None) -> None:
    """``tokenFile`` and plugins are asked again each minute, and soon after they were refused.

    What cannot be loaded again stays as it is: a file that is being replaced, a plugin that fails.
    """
    loader = await load_kube_config(  # type: ignore[no-untyped-call]
        config_file=_paths(kubeconfig),
        client_configuration=access.configuration,
        persist_config=False,
    )
    loaded_at = time.monotonic()
    lock = asyncio.Lock()

    async def refresh(configuration: Configuration) -> None:
        nonlocal loaded_at
        async with lock:
            age = time.monotonic() - loaded_at
            if age < (_REFUSED_SECONDS if access.refused.is_set() else _REFRESH_SECONDS):
                return
            access.refused.clear()
            loaded_at = time.monotonic()
            with suppress(*_UNREADABLE):
                await loader.load_and_set(configuration)

    access.configuration.refresh_api_key_hook = refresh  # type: ignore[assignment]


def _paths(kubeconfig: Path | None) -> str:
    """One file, or several as KUBECONFIG lists them."""
    return str(kubeconfig or os.environ.get("KUBECONFIG") or _DEFAULT_KUBECONFIG)


def _why(error: Exception) -> str:
    """One line. What a parser says can quote the file, and with it a token."""
    if isinstance(error, ConfigException):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return type(error).__name__


def _token(path: str) -> str:
    """Empty while the file is being replaced."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
