"""
The word ``hookgate gateway``: settings from the environment, the app until it is told to stop.

Cheap to import, as the command line asks of it.
"""

import gc
import sys
from argparse import ArgumentParser, Namespace

from hookgate.commands import USED_WRONGLY, Command, needs_extra

__all__ = ["gateway"]


_INTRODUCTION = """\
Run the gateway: accept reports of runs, deliver them as signed webhooks, until SIGTERM or Ctrl-C.
It is told everything by environment variables."""

_ROTATION = """\
Rotate the encryption keys. Put a new key into the first line of the keys file (or let --new-key do
it), then this returns once everything is encrypted with it. Beside a running gateway, which takes the
changed file up by itself, it waits for that; otherwise it does it. Never loses a Secret."""

_STOPPING = """\
SIGTERM stops it in order: it is not ready any more, accepts for 5 more seconds, starts no new
attempts and lets those under way finish. A second signal ends it at once."""


class Gateway:
    """The gateway's process."""

    summary = "run the gateway (settings are environment variables)"

    def arguments(self, parser: ArgumentParser) -> None:
        """Nothing has to be said; the help shows every setting."""
        with needs_extra("gateway"):
            from hookgate_gateway.settings import Settings
            from hookgate_process.manual import help_text
        parser.description = _INTRODUCTION
        actions = parser.add_subparsers(
            dest="action", metavar="ACTION", title="other than running it"
        )
        rotate = actions.add_parser(
            "rotate-keys",
            help="encrypt everything in the store with the first of its encryption keys",
            description=_ROTATION,
        )
        rotate.add_argument(
            "--new-key", action="store_true", help="first put a new key on top of the file"
        )
        rotate.add_argument(
            "--patience",
            type=float,
            default=30.0,
            metavar="SECONDS",
            help="how long a running gateway may take (30)",
        )
        parser.epilog = f"settings:\n{help_text(Settings)}\n\n{_STOPPING}"

    def run(self, arguments: Namespace) -> int:
        """Exit code 0 after a stop in order, 2 for wrong settings, 1 when it cannot start."""
        gc.set_threshold(
            50_000, 20, 20
        )  # what imports make is kept: looking through it takes 45 ms
        with needs_extra("gateway"):
            from hookgate_gateway.app import serve
            from hookgate_gateway.settings import SETTINGS
            from hookgate_process.settings import SettingsError
        try:
            if arguments.action == "rotate-keys":
                return _rotate(arguments)
            settings = SETTINGS.load()
        except SettingsError as error:
            for line in error.lines:
                print(f"hookgate gateway: {line}", file=sys.stderr)
            return USED_WRONGLY
        return serve(settings)


def _rotate(arguments: Namespace) -> int:
    from hookgate_gateway.maintenance.rotation import rotate
    from hookgate_gateway.ports import StoreError
    from hookgate_gateway.settings import STORE_SETTINGS

    settings = STORE_SETTINGS.load()
    try:
        done = rotate(
            settings.store,
            settings.encryption_keys_file,
            new_key=arguments.new_key,
            patience=arguments.patience,
        )
    except StoreError as error:
        print(f"hookgate gateway rotate-keys: {error}", file=sys.stderr)
        return 1
    print(f"{done.secrets} resources are encrypted with the first key in {done.keys_file}")
    if done.keys > 1:
        print(
            "the keys below it open only older backups; take them out when you keep none of these"
        )
    return 0


gateway: Command = Gateway()
