"""
How the story is told: colours in a terminal, the same words in a pipe.
"""

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

__all__ = ["Narrator"]


class Narrator:
    """Prints lines of a few kinds. Whatever came from outside is text, never markup."""

    def __init__(self, console: Console) -> None:
        self._console = console
        unicode = console.encoding.lower().startswith("utf")
        self._good, self._bad = ("✔", "✘") if unicode else ("+", "!")

    def title(self, text: str) -> None:
        self._line(text, style="bold")

    def chapter(self, text: str) -> None:
        """A new step of the story."""
        self._line("")
        self._line(text, style="bold cyan")

    def say(self, text: str) -> None:
        """What happens, in plain words."""
        self._line(f"   {text}")

    def aside(self, text: str) -> None:
        """Something on the way: a status, a request that came in."""
        self._line(f"   {text}", style="dim")

    def warn(self, text: str) -> None:
        """A complaint of the gateway."""
        self._line(f"   {text}", style="yellow")

    def seen(self, text: str) -> None:
        self._line(f" {self._good} {text}", style="green")

    def missing(self, text: str) -> None:
        self._line(f" {self._bad} {text}", style="bold red")

    def growth(self, counters: Mapping[str, float]) -> None:
        """Counters and by how much they grew."""
        for name, more in counters.items():
            self._line(f"   +{more:<4g} {name}")

    def _line(self, text: str, style: str = "") -> None:
        encoding = self._console.encoding
        shown = text.encode(encoding, "replace").decode(encoding)
        self._console.print(Text(shown, style=style), soft_wrap=True)
