"""
The word ``hookgate crd``: prints the custom resource definitions.

Cheap to import, as the command line asks of it.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter

from hookgate.commands import Command, needs_extra

__all__ = ["crd"]

_INTRODUCTION = """\
Print the custom resource definitions of WebhookSubscription and WebhookReplay, as YAML for kubectl:

    hookgate crd | kubectl apply --server-side -f -

They have to be in the cluster before the operator; upgrade them first, too."""
_WORDS = ("subscription", "replay")


class Crd:
    """What the API server has to know of hookgate's resources."""

    summary = "print the custom resource definitions"

    def arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.description = _INTRODUCTION
        parser.add_argument("which", nargs="?", choices=_WORDS, help="only that of one resource")

    def run(self, arguments: Namespace) -> int:
        """0; there is nothing that could go wrong."""
        with needs_extra("operator"):
            from hookgate_operator.crd.definitions import DEFINITIONS
            from hookgate_operator.crd.generated import crd_text
        chosen = [arguments.which] if arguments.which else _WORDS
        print("---\n".join(crd_text(DEFINITIONS[word]) for word in chosen), end="")
        return 0


crd: Command = Crd()
"""The entry point."""
