"""
The word ``hookgate operator``: settings from the environment, the app until it is told to stop.

Cheap to import, as the command line asks of it.
"""

import sys
from argparse import ArgumentParser, Namespace

from hookgate.commands import USED_WRONGLY, Command, needs_extra

__all__ = ["operator"]


_INTRODUCTION = """\
Run the operator: hand WebhookSubscriptions, WebhookReplays and key Secrets of a Kubernetes cluster to a
gateway, until SIGTERM or Ctrl-C. It is told everything by environment variables. The cluster is the one
whose pod it is, else that of KUBECONFIG (~/.kube/config)."""

_ENDS = """\
Exit code 0 after SIGTERM: the work is stopped and the Lease released, so that a standby goes on at once.
2 for wrong settings, 1 when it cannot start or does not lead any more. An API server or a gateway that is
away, a CRD or an RBAC rule that is missing are waited for; the log and /readyz say which."""


class Operator:
    """The operator's process."""

    summary = "run the Kubernetes operator (settings are environment variables)"

    def arguments(self, parser: ArgumentParser) -> None:
        """Nothing has to be said; the help shows every setting."""
        with needs_extra("operator"):
            from hookgate_operator.settings import Settings
            from hookgate_process.manual import help_text
        parser.description = _INTRODUCTION
        parser.epilog = f"settings:\n{help_text(Settings)}\n\n{_ENDS}"

    def run(self, _arguments: Namespace) -> int:
        """Exit code 0 after a stop in order, 2 for wrong settings, 1 when it cannot start or go on."""
        with needs_extra("operator"):
            from hookgate_operator.app import serve
            from hookgate_operator.settings import SETTINGS
            from hookgate_process.settings import SettingsError
        try:
            settings = SETTINGS.load()
        except SettingsError as error:
            for line in error.lines:
                print(f"hookgate operator: {line}", file=sys.stderr)
            return USED_WRONGLY
        return serve(settings)


operator: Command = Operator()
