"""
Signatures checked by hand, from the words of the schemes: not by the code that made them.
"""

import base64
import hashlib
import hmac

from tests.acceptance.manifests import SIGNING_SECRET
from tests.receivers import Received


def assert_skyvern(
    request: Received, key: str = SIGNING_SECRET, *, prefix: str = "sha256="
) -> None:
    expected = hmac.new(key.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.header("x-skyvern-signature") == prefix + expected
    assert abs(int(request.header("x-skyvern-timestamp") or 0) - request.at) < 60


def assert_standard(request: Received, *keys: str) -> None:
    id_, timestamp = request.header("webhook-id"), request.header("webhook-timestamp")
    signed = f"{id_}.{timestamp}.".encode() + request.body
    digests = [hmac.new(key.encode(), signed, hashlib.sha256).digest() for key in keys]
    expected = ["v1," + base64.b64encode(digest).decode() for digest in digests]
    assert (request.header("webhook-signature") or "").split(" ") == expected
    assert id_ == request.header("x-hookgate-event-id")
