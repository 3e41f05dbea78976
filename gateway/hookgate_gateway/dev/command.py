"""
The word ``hookgate dev``: see it all work on this machine.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from hookgate.commands import Command, needs_extra

__all__ = ["dev"]

_INTRODUCTION = """\
Start the gateway on SQLite with a small simulated engine and a receiver that verifies signatures,
and tell the whole story: a task, a workflow, a failing receiver, a replay, the counters.
Every step is checked; the exit code is 0 only if all of it was really seen."""


class Dev:
    """The story on a laptop."""

    summary = "see it all work on this machine: gateway, simulated engine, receiver"

    def arguments(self, parser: ArgumentParser) -> None:
        parser.description = _INTRODUCTION
        parser.add_argument(
            "--once", action="store_true", help="end after the story, with nothing left behind"
        )
        parser.add_argument(
            "--manifests",
            type=Path,
            metavar="DIR",
            help="a folder of manifests to use instead of the quickstart's",
        )

    def run(self, arguments: Namespace) -> int:
        """0 when everything was seen, 1 when not."""
        with needs_extra("gateway"):
            from hookgate_gateway.dev.show import show
            from hookgate_gateway.dev.workbench import QUICKSTART
        return show(arguments.manifests or QUICKSTART, once=arguments.once)


dev: Command = Dev()
