"""
The word ``hookgate gateway``: settings from the environment, the app until it is told to stop.

Cheap to import, as the command line asks of it.
"""

import sys
from argparse import ArgumentParser, Namespace

from hookgate.commands import Command, needs_extra

__all__ = ["gateway"]

USED_WRONGLY = 2
"""The exit code of a command that was told nonsense, as argparse has it."""

_INTRODUCTION = """\
Run the gateway: accept reports of runs, deliver them as signed webhooks, until SIGTERM or Ctrl-C.
It is told everything by environment variables."""

_STOPPING = """\
SIGTERM stops it in order: it is not ready any more, accepts for 5 more seconds, starts no new
attempts and lets those under way finish. A second signal ends it at once."""


class Gateway:
    """The gateway's process."""

    summary = "run the gateway (settings are environment variables)"

    def arguments(self, parser: ArgumentParser) -> None:
        """No arguments; the help shows every setting."""
        with needs_extra("gateway"):
            from hookgate_gateway.settings.manual import help_text
        parser.description = _INTRODUCTION
        parser.epilog = f"settings:\n{help_text()}\n\n{_STOPPING}"

    def run(self, arguments: Namespace) -> int:  # noqa: ARG002  # it has none
        """Exit code 0 after a stop in order, 2 for wrong settings, 1 when it cannot start."""
        with needs_extra("gateway"):
            from hookgate_gateway.app import serve
            from hookgate_gateway.settings import SettingsError, load_settings
        try:
            settings = load_settings()
        except SettingsError as error:
            for line in error.lines:
                print(f"hookgate gateway: {line}", file=sys.stderr)
            return USED_WRONGLY
        return serve(settings)


gateway: Command = Gateway()
