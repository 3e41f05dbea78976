"""
The word ``hookgate rbac``: prints the rules that the operator's ServiceAccount needs.

Cheap to import, as the command line asks of it.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from importlib.resources import files

from hookgate.commands import Command

__all__ = ["rbac"]

_INTRODUCTION = """\
Print a role for the operator's ServiceAccount, as YAML for kubectl:

    hookgate rbac | kubectl apply -f -

cluster-wide  a ClusterRole, to look after all of the cluster (if nothing else is said)
namespaced    the same as a Role, for each namespace of HOOKGATE_OPERATOR_WATCH_NAMESPACES
lease         a Role for the operator's own namespace, beside either of them

They bind nobody; docs/operator.md says how a ServiceAccount gets them."""
_WORDS = ("cluster-wide", "namespaced", "lease")


class Rbac:
    """What the API server has to let the operator do."""

    summary = "print the rules that the operator's ServiceAccount needs"

    def arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.description = _INTRODUCTION
        parser.add_argument(
            "which", nargs="?", choices=_WORDS, default=_WORDS[0], help="which of them"
        )

    def run(self, arguments: Namespace) -> int:
        """0; there is nothing that could go wrong."""
        file = files("hookgate_operator.rbac") / f"{arguments.which}.yaml"
        print(file.read_text(encoding="utf-8"), end="")
        return 0


rbac: Command = Rbac()
"""The entry point."""
