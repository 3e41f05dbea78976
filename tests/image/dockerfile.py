"""A Dockerfile as stages of instructions. hadolint says whether it is one; here it is only taken apart."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from string import Template

__all__ = ["DOCKERFILE", "Instruction", "Stage", "assignments", "stages", "substituted"]

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its lines joined: ``RUN``, and everything behind the word."""

    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands from one FROM to the next."""

    image: str
    name: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[str]:
        """The texts of its instructions of this word."""
        return [each.text for each in self.instructions if each.word == word]

    def last(self, word: str) -> str:
        return self.all(word)[-1]


def stages(text: str) -> list[Stage]:
    """The stages that do something, each with the image that it stands on in the end."""
    found: list[Stage] = []
    images: dict[str, str] = {}
    for word, rest in _instructions(text):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            images[name] = images.get(image, image)
            found.append(Stage(images[name], name, ()))
        else:
            last = found.pop()
            more = (*last.instructions, Instruction(word, rest))
            found.append(Stage(last.image, last.name, more))
    return [each for each in found if each.instructions]


def assignments(text: str) -> dict[str, str]:
    """``A=1 B="two words"`` as a mapping; what has no value is left out."""
    pairs = (word.partition("=") for word in shlex.split(text))
    return {name: value for name, equals, value in pairs if equals}


def substituted(text: str, values: dict[str, str]) -> str:
    """``${NAME}`` replaced by its value."""
    return Template(text).safe_substitute(values)


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not re.match(r"\s*(#|$)", line)]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (word.upper(), rest)
        for word, _, rest in (row.partition(" ") for row in joined.splitlines())
    ]
