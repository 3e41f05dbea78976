"""
The environment read as settings, and what is wrong with it told in one line for each variable.
"""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import ValidationError

from hookgate_gateway.settings.model import PREFIX, Settings, StoreSettings, variable

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "SettingsError",
    "known_variables",
    "load_settings",
    "load_store_settings",
    "unknown_variables",
]


_USER_INFO = re.compile(r"//[^@/]*@")


class SettingsError(Exception):
    """The settings cannot be used. ``lines`` has one sentence for each variable that is wrong."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


def load_settings() -> Settings:
    """The settings as the environment has them. Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(map(_sentence, error.errors(include_url=False))) from None


def load_store_settings(**given: str | None) -> StoreSettings:
    """Where the store is, as the environment has it unless it is ``given``. Raises SettingsError."""
    try:
        return StoreSettings(**{n: v for n, v in given.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(map(_sentence, error.errors(include_url=False))) from None


def known_variables() -> frozenset[str]:
    """Every variable that means something to the gateway."""
    return frozenset(map(variable, Settings.model_fields))


def unknown_variables(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """One sentence for each variable with our prefix that means nothing; a typo, most likely."""
    known = known_variables()
    strangers = sorted(
        n for n in environment if n.upper().startswith(PREFIX) and n.upper() not in known
    )
    return tuple(_suggestion(name, known) for name in strangers)


def _suggestion(name: str, known: Iterable[str]) -> str:
    words = [each.removeprefix(PREFIX) for each in known]
    nearest = get_close_matches(name.upper().removeprefix(PREFIX), words, n=1)
    remedy = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "see `hookgate gateway --help`"
    return f"{name} is not a setting and changes nothing; {remedy}"


def _sentence(error: "ErrorDetails") -> str:
    name = str(error["loc"][0])
    field = Settings.model_fields[name]
    example = f"for example {variable(name)}={(field.examples or ['…'])[0]}"
    if error["type"] == "missing":
        return f"{variable(name)} is not set; {example}"
    shown = _USER_INFO.sub("//***@", repr(error["input"]))
    return f"{variable(name)}={shown} cannot be used: {_reason(error)}; {example}"


def _reason(error: "ErrorDetails") -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    message = error["msg"]
    return message[:1].lower() + message[1:]
