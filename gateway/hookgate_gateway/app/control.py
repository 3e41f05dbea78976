"""
The control listener: off unless asked for, never without a token, in clear text on loopback alone.
"""

import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from hookgate_gateway.api.bodies import BodyReader
from hookgate_gateway.api.control.app import make_control_app
from hookgate_gateway.api.control.feed import HealthFeed
from hookgate_gateway.api.control.services import MAX_BODY_BYTES, ControlServices
from hookgate_gateway.api.control.token import TokenFile
from hookgate_gateway.api.control.view import HealthView
from hookgate_gateway.api.server import Door, open_door
from hookgate_gateway.app.tls_files import TlsFiles, UnusableCertificate
from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.observe import Observer
from hookgate_gateway.replay.orders import ReplayOrders
from hookgate_gateway.settings import Settings
from hookgate_process.failures import CannotStart
from hookgate_process.listening import bind
from hookgate_process.watched_files import UnusableFile

__all__ = ["ControlListener", "open_control"]

_GRACE = 2.0
"""Seconds for requests under way at the end; who waits for changes is answered at once."""
_LISTEN = "HOOKGATE_CONTROL_LISTEN"
_TOKEN = "HOOKGATE_CONTROL_TOKEN_FILE"  # noqa: S105  # a setting's name
_CERTIFICATE = "HOOKGATE_CONTROL_TLS_CERTIFICATE_FILE"
_KEY = "HOOKGATE_CONTROL_TLS_KEY_FILE"


@dataclass(frozen=True, slots=True)
class ControlListener:
    """A socket that is taken, and what is needed to answer on it."""

    socket: socket.socket
    token: TokenFile
    tls: ssl.SSLContext | None = None
    works: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What has to go on beside it."""

    def open(
        self,
        catalogue: Catalogue,
        orders: ReplayOrders,
        view: HealthView,
        feed: HealthFeed,
        observer: Observer,
    ) -> AbstractAsyncContextManager[Door]:
        """Answer until the end of the block."""
        services = ControlServices(
            declarations=catalogue,
            orders=orders,
            view=view,
            feed=feed,
            admit=self.token.admit,
            bodies=BodyReader(MAX_BODY_BYTES, budget=4 * MAX_BODY_BYTES),
            observer=observer,
        )
        app = make_control_app(services)
        return open_door(app, self.socket, observer, grace=_GRACE, tls=self.tls)


def open_control(settings: Settings, observer: Observer) -> ControlListener | None:
    """The listener that the settings ask for, or None. Raises CannotStart with one line."""
    if settings.control_listen is None:
        return None
    token = _token(settings, observer)
    files = _tls_files(settings, observer)
    listener = bind(settings.control_listen, _LISTEN)
    if files is not None:
        return ControlListener(listener, token, files.context, {"control certificate": files.watch})
    if not _is_loopback(listener):
        listener.close()
        raise CannotStart(
            f"{_LISTEN}={settings.control_listen} is not loopback, and the token and Secrets would"
            f" pass in clear text; set {_CERTIFICATE} and {_KEY}, or listen on 127.0.0.1"
        )
    return ControlListener(listener, token)


def _token(settings: Settings, observer: Observer) -> TokenFile:
    if settings.control_token_file is None:
        raise CannotStart(
            f"{_LISTEN} needs {_TOKEN}; make a token with: openssl rand -hex 24 > control-token"
        )
    try:
        return TokenFile(settings.control_token_file, observer)
    except UnusableFile as error:
        raise CannotStart(
            f"{_TOKEN}: {error}; make a token with: openssl rand -hex 24"
        ) from None  # fmt: skip


def _tls_files(settings: Settings, observer: Observer) -> TlsFiles | None:
    certificate, key = settings.control_tls_certificate_file, settings.control_tls_key_file
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise CannotStart(f"{_CERTIFICATE} and {_KEY} go together; set both or none")
    try:
        return TlsFiles(certificate, key, observer)
    except UnusableCertificate as error:
        raise CannotStart(
            f"{_CERTIFICATE}, {_KEY}: {error}; give a chain and its key as PEM"
        ) from None


def _is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(str(listener.getsockname()[0]).partition("%")[0]).is_loopback
