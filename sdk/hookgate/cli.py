"""
The ``hookgate`` command: finds its words by entry points and hands over to the chosen one.

It knows no word by itself and imports only the standard library, so that ``hookgate --version``
answers at once whatever is installed.
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points

from hookgate.commands import ENTRY_POINTS, Command, MissingExtra
from hookgate.version import __version__

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (2 when it was used wrongly)."""
    words = list(sys.argv[1:] if argv is None else argv)
    known = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if words and words[0] in known:
        return _run(known[words[0]], words[1:])
    return _overview(known, words)


def _run(entry: EntryPoint, words: Sequence[str]) -> int:
    parser = ArgumentParser(
        prog=f"hookgate {entry.name}", formatter_class=RawDescriptionHelpFormatter
    )
    try:
        command: Command = entry.load()
        command.arguments(parser)
        return command.run(parser.parse_args(words))
    except MissingExtra as missing:
        print(f"hookgate {entry.name} {missing}", file=sys.stderr)  # noqa: T201  # a command's answer
        return 1


def _overview(known: Mapping[str, EntryPoint], words: Sequence[str]) -> int:
    parser = ArgumentParser(
        prog="hookgate",
        usage="hookgate [--help] [--version] COMMAND ...",
        description="Durable, signed, retried and replayable webhooks for Skyvern-style runs.",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hookgate {__version__}")
    if words != ["--version"]:
        parser.epilog = _describe(known)
    parser.add_argument("command", metavar="COMMAND", choices=sorted(known), help="see below")
    parser.parse_args(words)
    parser.print_help()  # only an abbreviation such as `--` comes here
    return 2


def _describe(known: Mapping[str, EntryPoint]) -> str:
    width = max(map(len, known), default=0)
    lines = [f"  {name:{width}}  {_summary(entry)}" for name, entry in sorted(known.items())]
    return "\n".join(
        ["commands:", *lines, "", "`hookgate COMMAND --help` says more about each of them."]
    )


def _summary(entry: EntryPoint) -> str:
    try:
        command: Command = entry.load()
    except ModuleNotFoundError as error:
        return f"cannot be used: there is no {error.name}"
    return command.summary
