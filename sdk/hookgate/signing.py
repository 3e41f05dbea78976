"""Signing schemes (being written)."""

from enum import StrEnum


class SigningScheme(StrEnum):
    """How a webhook is signed."""

    SKYVERN = "Skyvern"
    SKYVERN_HEX = "SkyvernHex"
    STANDARD_WEBHOOKS = "StandardWebhooks"
