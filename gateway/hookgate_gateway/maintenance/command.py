"""
The word ``hookgate store``: backup, check, upgrade.

Cheap to import, as the command line asks of it.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from hookgate.commands import USED_WRONGLY, Command, needs_extra

if TYPE_CHECKING:
    from hookgate_gateway.settings import StoreSettings

__all__ = ["store"]


_INTRODUCTION = """\
Back a store up, check it, or upgrade it. The store and its encryption keys are those of the
gateway: HOOKGATE_STORE and HOOKGATE_ENCRYPTION_KEYS_FILE, unless the options say otherwise."""


class Store:
    """What is done to a store from outside."""

    summary = "back up, check or upgrade the gateway's store"

    def arguments(self, parser: ArgumentParser) -> None:
        parser.description = _INTRODUCTION
        words = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        backup = words.add_parser(
            "backup", help="copy the store to a file, also while the gateway runs"
        )
        backup.add_argument("destination", type=Path, metavar="DEST", help="a file not there yet")
        backup.add_argument(
            "--with-keys", action="store_true", help="also copy the encryption keys to DEST.key"
        )
        check = words.add_parser(
            "check", help="read all of it: whole? which version? do the keys open its secrets?"
        )
        upgrade = words.add_parser(
            "upgrade", help="bring the schema up to date, as the gateway's next start would"
        )
        for word in (backup, check, upgrade):
            word.add_argument("--store", metavar="URL", help="instead of HOOKGATE_STORE")
            word.add_argument(
                "--encryption-keys-file",
                metavar="FILE",
                help="instead of the variable of that name",
            )

    def run(self, arguments: Namespace) -> int:
        """0 when it was done and all is well, 1 when not, 2 when it was used wrongly."""
        with needs_extra("gateway"):
            from hookgate_gateway.ports import StoreError
            from hookgate_gateway.settings import STORE_SETTINGS
            from hookgate_process.settings import SettingsError
        try:
            settings = STORE_SETTINGS.load(
                store=arguments.store, encryption_keys_file=arguments.encryption_keys_file
            )
            return _ACTIONS[arguments.action](settings, arguments)
        except SettingsError as error:
            for line in error.lines:
                _complain(arguments, line)
            return USED_WRONGLY
        except StoreError as error:
            _complain(arguments, str(error))
            return 1
        except KeyboardInterrupt:
            _complain(arguments, "interrupted; nothing is left behind")
            return 1


def _backup(settings: "StoreSettings", arguments: Namespace) -> int:
    from hookgate_gateway.store.cipher import own_keys_file
    from hookgate_gateway.store.sqlite.backup import back_up, copy_keys

    destination: Path = arguments.destination
    keys = settings.encryption_keys_file or own_keys_file(settings.store)
    size = back_up(settings.store, destination, _progress)
    print(f"{destination}: {_megabytes(size)}, as the store stood when it began")
    if arguments.with_keys:
        print(
            f"{copy_keys(keys, destination)}: its encryption keys; keep them as safe as passwords"
        )
    else:
        print(f"The Secrets in it open only with {keys}: keep that file, too, and elsewhere")
    return 0


def _check(settings: "StoreSettings", arguments: Namespace) -> int:  # noqa: ARG001  # one signature
    from hookgate_gateway.store.cipher import own_keys_file, read_cipher
    from hookgate_gateway.store.sqlite.examination import examine

    keys = settings.encryption_keys_file or own_keys_file(settings.store)
    cipher = read_cipher(keys) if settings.encryption_keys_file or keys.exists() else None
    found = examine(settings.store, cipher)
    problems = list(found.problems)
    counts = dict(found.counts)
    if cipher is None and counts.get("resources"):
        problems.append(f"there is no {keys}, without which the Secrets in it cannot be used")
    print(f"{settings.store}: schema version {found.version}")
    if found.version < found.newest and not problems:
        print(f"  this hookgate works with {found.newest}: `hookgate store upgrade`, or its start")
    for name, count in found.counts:
        print(f"  {count:>12,} {name}")
    if found.secrets is not None:
        print(f"  {found.secrets.total:>12,} resources under {keys}, {found.secrets.stale} of them")
        print(f"  {'':>12} not under its first key")
    for problem in problems:
        print(f"  PROBLEM: {problem}")
    print("not usable as it is" if problems else "all is well")
    return 1 if problems else 0


def _upgrade(settings: "StoreSettings", arguments: Namespace) -> int:  # noqa: ARG001  # likewise
    from hookgate_gateway.maintenance.upgrade import upgrade

    done = upgrade(settings.store)
    if done.before == done.after:
        print(f"{settings.store}: schema version {done.after} already; nothing to do")
    else:
        print(f"{settings.store}: schema version {done.before} → {done.after}")
    return 0


_ACTIONS = {"backup": _backup, "check": _check, "upgrade": _upgrade}


def _progress(done: int, pages: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == pages else ""
        print(f"\r{done * 100 // max(1, pages)} %", end=end, file=sys.stderr, flush=True)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _complain(arguments: Namespace, line: str) -> None:
    print(f"hookgate store {arguments.action}: {line}", file=sys.stderr)


store: Command = Store()
