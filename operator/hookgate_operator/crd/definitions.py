"""
The two custom resource definitions: what is beside the schema of their models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hookgate.resources import (
    API_VERSION,
    KIND,
    REPLAY_KIND,
    ReplaySpec,
    ReplayStatus,
    SubscriptionSpec,
)
from hookgate.resources.model import ResourceModel
from hookgate.resources.status import SubscriptionStatus
from hookgate_operator.crd.schema import Schema, structural

__all__ = ["DEFINITIONS", "REPLAYS", "SUBSCRIPTIONS", "Column", "Definition"]

_GROUP, _, _VERSION = API_VERSION.partition("/")


class Column(NamedTuple):
    """A column of ``kubectl get``."""

    name: str
    json_path: str
    type: str
    description: str
    wide: bool = False
    """Only shown with ``-o wide``."""

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "description": self.description,
            "jsonPath": self.json_path,
        }
        return {**document, "priority": 1} if self.wide else document


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One custom resource definition."""

    kind: str
    plural: str
    short_name: str
    purpose: str
    """What an object of it does: a few sentences."""
    spec: type[ResourceModel]
    status: type[ResourceModel]
    conditions: Sequence[tuple[str, str]]
    """The types of conditions and what each of them says."""
    columns: Sequence[Column]
    selectable: Sequence[str]
    """Paths that field selectors take. Kubernetes 1.30 leaves them out; from 1.31 they work."""

    @property
    def name(self) -> str:
        return f"{self.plural}.{_GROUP}"

    def schema(self) -> Schema:
        """The structural schema of a whole object."""
        return {
            "description": self.purpose,
            "type": "object",
            "required": ["spec"],
            "properties": {
                "apiVersion": {"description": f"Always {API_VERSION}.", "type": "string"},
                "kind": {"description": f"Always {self.kind}.", "type": "string"},
                "metadata": {"type": "object"},
                "spec": structural(self.spec, declared=True),
                "status": structural(self.status, declared=False),
            },
        }

    def document(self) -> dict[str, Any]:
        """The object that ``kubectl apply`` takes."""
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name},
            "spec": {
                "group": _GROUP,
                "scope": "Namespaced",
                "names": {
                    "kind": self.kind,
                    "listKind": f"{self.kind}List",
                    "plural": self.plural,
                    "singular": self.kind.lower(),
                    "shortNames": [self.short_name],
                    "categories": ["hookgate"],
                },
                "versions": [self._version()],
            },
        }

    def _version(self) -> dict[str, Any]:
        return {
            "name": _VERSION,
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [column.document() for column in self.columns],
            "selectableFields": [{"jsonPath": path} for path in self.selectable],
            "schema": {"openAPIV3Schema": self.schema()},
        }


def _condition(type_: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{type_}")].{field}'


_AGE = Column("Age", ".metadata.creationTimestamp", "date", "When it was created.")
_SUSPENDED = Column("Suspended", ".spec.suspend", "boolean", "Whether it is suspended.")

SUBSCRIPTIONS = Definition(
    kind=KIND,
    plural="webhooksubscriptions",
    short_name="whsub",
    purpose="Webhooks to one endpoint: which events, how signed, how retried.",
    spec=SubscriptionSpec,
    status=SubscriptionStatus,
    conditions=(
        ("Ready", "Whether events are matched and handed to the endpoint as the spec says."),
        ("SecretsResolved", "Whether everything was found that the spec names."),
        ("EndpointAllowed", "Whether the gateway's egress rules let the endpoint be reached."),
        ("Delivering", "Whether deliveries arrive, by what the last attempts say."),
    ),
    columns=(
        Column("Ready", _condition("Ready", "status"), "string", "Whether it works."),
        Column("Reason", _condition("Ready", "reason"), "string", "Why, in one word."),
        Column("Endpoint", ".status.endpointHost", "string", "Host and port of the endpoint."),
        _SUSPENDED,
        Column("Last Success", ".status.lastSuccessTime", "date", "When an attempt succeeded."),
        _AGE,
        Column(
            "Delivering", _condition("Delivering", "reason"), "string", "How deliveries fare.", True
        ),
        Column("Class", ".spec.gatewayClass", "string", "The class of gateways.", True),
    ),
    selectable=(".spec.gatewayClass", ".spec.suspend", ".spec.signing.scheme"),
)

REPLAYS = Definition(
    kind=REPLAY_KIND,
    plural="webhookreplays",
    short_name="whreplay",
    purpose=(
        "Stored deliveries sent once more, with their original bytes: run once, as a Job is."
        " Deleting it cancels what was not sent yet."
    ),
    spec=ReplaySpec,
    status=ReplayStatus,
    conditions=(
        ("Complete", "Whether everything that was selected has been sent, or a dry run counted."),
        ("Failed", "Whether it cannot be carried out."),
        ("Suspended", "Whether it waits for `spec.suspend` to be taken back."),
    ),
    columns=(
        Column("Complete", _condition("Complete", "status"), "string", "Whether it is over."),
        Column("Reason", _condition("Complete", "reason"), "string", "Why, in one word."),
        Column("Matched", ".status.matched", "integer", "Deliveries selected."),
        Column("Delivered", ".status.delivered", "integer", "Deliveries that were accepted."),
        Column("Failed", ".status.failed", "integer", "Deliveries that were given up."),
        Column("Remaining", ".status.remaining", "integer", "Deliveries not ended yet."),
        _SUSPENDED,
        _AGE,
        Column("Sent", ".status.sent", "integer", "Deliveries made.", True),
        Column("Skipped", ".status.skipped", "integer", "Selected and not sent.", True),
        Column("Dry Run", ".spec.dryRun", "boolean", "Whether it only counts.", True),
        Column("Class", ".spec.gatewayClass", "string", "The class of gateways.", True),
    ),
    selectable=(".spec.gatewayClass", ".spec.suspend", ".spec.filter.subscription"),
)

DEFINITIONS = {"subscription": SUBSCRIPTIONS, "replay": REPLAYS}
"""By the words of ``hookgate crd``."""
