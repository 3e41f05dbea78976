"""
Settings that come from the environment: read, with what is wrong told in one line for each variable.

A process describes its settings once, as a model with this module's base; the reader, the help and the
tables of the documentation are made from the descriptions.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "EnvironmentSettings",
    "LogFormat",
    "LogFormatSetting",
    "LogLevel",
    "LogLevelSetting",
    "Reader",
    "SettingsError",
]

_USER_INFO = re.compile(r"//[^@/]*@")


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """From which level on log lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


LogFormatSetting = Annotated[
    LogFormat,
    Field(
        description="`json` (a line is an object) or `text` for people.",
        examples=["text"],
    ),
]
"""The type of every process's setting ``log_format``."""
LogLevelSetting = Annotated[
    LogLevel,
    Field(description="`debug`, `info`, `warning` or `error`.", examples=["debug"]),
]
"""Likewise of ``log_level``."""


class EnvironmentSettings(BaseSettings):
    """The base of a process's settings: given in code, else from the environment, and from nowhere else.

    A subclass sets ``prefix`` and ``env_prefix`` to the same text. What is secret comes as a file, so
    that no value is one.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)
    prefix: ClassVar[str]

    @classmethod
    def variable(cls, field_name: str) -> str:
        """The environment variable of a field."""
        return cls.prefix + field_name.upper()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the parent's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was given in code goes before the environment; nothing else is read."""
        return init_settings, env_settings


class SettingsError(Exception):
    """The settings cannot be used. ``lines`` has one sentence for each variable that is wrong."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


S = TypeVar("S", bound=EnvironmentSettings)


@dataclass(frozen=True, slots=True)
class Reader(Generic[S]):
    """Reads one process's settings; ``command`` is the word whose ``--help`` shows them."""

    model: type[S]
    command: str

    def load(self, **given: Any) -> S:
        """The settings as the environment has them unless they are ``given``. Raises SettingsError."""
        try:
            return self.model(**{n: v for n, v in given.items() if v is not None})
        except ValidationError as error:
            raise SettingsError(map(self._sentence, error.errors(include_url=False))) from None

    def known(self) -> frozenset[str]:
        """Every variable that means something to the process."""
        return frozenset(map(self.model.variable, self.model.model_fields))

    def unknown(
        self, environment: Mapping[str, str] = os.environ, *, others: str | None = None
    ) -> tuple[str, ...]:
        """One sentence for each variable with our prefix that means nothing; a typo, most likely.

        Those that start with ``others`` belong to another process.
        """
        known, prefix = self.known(), self.model.prefix
        names = ((name, name.upper()) for name in sorted(environment))
        return tuple(
            self._suggestion(name, known)
            for name, upper in names
            if upper.startswith(prefix)
            and upper not in known
            and not (others and upper.startswith(others))
        )

    def _suggestion(self, name: str, known: Iterable[str]) -> str:
        prefix = self.model.prefix
        words = [each.removeprefix(prefix) for each in known]
        nearest = get_close_matches(name.upper().removeprefix(prefix), words, n=1)
        see = f"see `hookgate {self.command} --help`"
        remedy = f"did you mean {prefix}{nearest[0]}?" if nearest else see
        return f"{name} is not a setting and changes nothing; {remedy}"

    def _sentence(self, error: "ErrorDetails") -> str:
        name = str(error["loc"][0])
        variable = self.model.variable(name)
        examples = self.model.model_fields[name].examples or ["…"]
        example = f"for example {variable}={examples[0]}"
        if error["type"] == "missing":
            return f"{variable} is not set; {example}"
        told = f"{variable}={error['input']!r} cannot be used: {_reason(error)}"
        return f"{_USER_INFO.sub('//***@', told)}; {example}"


def _reason(error: "ErrorDetails") -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    message = error["msg"]
    return message[:1].lower() + message[1:]
