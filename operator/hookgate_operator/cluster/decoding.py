"""
The values in the documents of Secrets and ConfigMaps.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from hookgate_operator.ports import Found

__all__ = ["values_of"]


def values_of(document: Mapping[str, Any]) -> Found:
    """The values by their keys. A ConfigMap's texts are UTF-8; its ``binaryData`` is base64 as a Secret's data."""
    data = document.get("data") or {}
    if document.get("kind") != "ConfigMap":
        return Found({key: _decoded(value) for key, value in data.items()})
    texts = {key: value.encode() for key, value in data.items()}
    binary = document.get("binaryData") or {}
    return Found(texts | {key: _decoded(value) for key, value in binary.items()})


def _decoded(value: str | None) -> bytes:
    """The API server stores nothing that is no base64; an empty value may come as null."""
    try:
        return base64.b64decode(value or "", validate=True)
    except binascii.Error:
        return b""
