"""
Two small outside worlds in memory, at the operator's ports: for what is about speed, order and counts.

They keep the ports' promises and nothing else. That the real ones keep them, too, is shown on a real API
server and a real gateway.
"""

import base64
import copy
import itertools
from collections import Counter

from hookgate.resources import ReplayStatus
from hookgate.resources.status import SubscriptionStatus
from hookgate_operator.observe import OperatorObserver
from hookgate_operator.ports import (
    EndpointStanding,
    Found,
    GatewayUnavailable,
    HealthReading,
    Held,
    Key,
    KeyStanding,
    Kind,
    NotFound,
    Observed,
    OwnedByAnother,
    Standing,
)
from hookgate_operator.subscriptions.values import shown_fingerprint

NAMESPACE = "shop"
_STATUSES = {Kind.SUBSCRIPTION: SubscriptionStatus, Kind.REPLAY: ReplayStatus}


def key(name="invoices", kind=Kind.SUBSCRIPTION, namespace=NAMESPACE):
    return Key(kind, namespace, name)


def spec(secret="billing", **changes):
    return {
        "endpoint": {"url": "https://billing.example/hook"},
        "signing": {"secretRefs": [{"name": secret, "key": "secret"}]},
        **changes,
    }


class MemoryCluster:
    """Objects and Secrets; counts what is asked, and remembers what was written and announced."""

    def __init__(self):
        self.objects = {}
        self.secrets = {}
        self.asked = Counter()
        self.announced = []
        self.down = None
        """An error that every request ends with."""
        self._numbers = itertools.count(1)

    def apply(self, name="invoices", *, namespace=NAMESPACE, **document):
        """Create an object, or replace its spec, labels, annotations or data."""
        which = key(name, document.pop("kind", Kind.SUBSCRIPTION), namespace)
        number = next(self._numbers)
        old = self.objects.get(which)
        metadata = document.pop("metadata", {})
        self.objects[which] = {
            **(old or {}),
            **copy.deepcopy(document),
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": old["metadata"]["uid"] if old else f"uid-{number}",
                "generation": old["metadata"]["generation"] + 1 if old else 1,
                "creationTimestamp": f"2026-03-01T10:00:{number % 60:02}Z",
                **metadata,
                "resourceVersion": str(number),
            },
        }
        return which

    def apply_key(self, name, labels, data, **metadata):
        """A Secret with these labels."""
        encoded = {entry: base64.b64encode(value).decode() for entry, value in data.items()}
        return self.apply(
            name, kind=Kind.KEY_SECRET, data=encoded, metadata={"labels": labels, **metadata}
        )

    def status(self, which):
        return self.objects[which].get("status", {})

    def reason(self, which, condition):
        return next(c["reason"] for c in self.status(which)["conditions"] if c["type"] == condition)

    async def find(self, which):
        self._ask("find")
        found = self.objects.get(which)
        return _observed(which, found) if found else None

    async def every(self, kind):
        self._ask("every")
        return [_observed(k, o) for k, o in self.objects.items() if k.kind is kind]

    async def values(self, namespace, names):
        self._ask("values")
        return {name: self.secrets.get((namespace, name), NotFound()) for name in names}

    async def write_status(self, observed, status):
        self._ask("write_status")
        found = self.objects.get(observed.key)
        if found is None or found["metadata"]["uid"] != observed.uid:
            return False
        _STATUSES[observed.key.kind].model_validate(status)
        found["status"] = copy.deepcopy(dict(status))
        found["metadata"]["resourceVersion"] = str(next(self._numbers))
        return True

    async def delete(self, observed):
        self.objects.pop(observed.key, None)

    async def announce(self, observed, announcement):
        self._ask("announce")
        self.announced.append((observed.key.name, announcement.type, announcement.reason))

    def _ask(self, what):
        self.asked[what] += 1
        if self.down:
            raise self.down


def _observed(which, document):
    return Observed(
        key=which,
        uid=document["metadata"]["uid"],
        generation=document["metadata"]["generation"],
        resource_version=document["metadata"]["resourceVersion"],
        document=copy.deepcopy(document),
    )


class MemoryGateway:
    """Resources by (kind, namespace, name). ``verdicts`` says otherwise than that all is well."""

    def __init__(self):
        self.declared = {}
        self.asked = Counter()
        self.verdicts = {}
        """By name: what a PUT raises, or fields of the Standing that it answers."""
        self.health_of = {}
        self.foreign = {}
        """Names that somebody else has, and who."""
        self.is_down = False

    async def put(self, declaration):
        self._ask("put")
        verdict = self.verdicts.get(declaration.name, {})
        if isinstance(verdict, Exception):
            raise verdict
        if declaration.name in self.foreign:
            raise OwnedByAnother(f"it belongs to {self.foreign[declaration.name]}")
        place = (declaration.kind, declaration.namespace, declaration.name)
        self.declared[place] = declaration
        return Standing(**{**_standing(declaration), **verdict})

    async def remove(self, kind, namespace, name):
        self._ask("remove")
        if name in self.foreign:
            raise OwnedByAnother(f"it belongs to {self.foreign[name]}")
        self.declared.pop((kind, namespace, name), None)

    async def held(self):
        self._ask("held")
        return [
            Held(kind, namespace, name, "operator/default", declaration.fingerprint)
            for (kind, namespace, name), declaration in self.declared.items()
        ]

    def _ask(self, what):
        self.asked[what] += 1
        if self.is_down:
            raise GatewayUnavailable("the gateway does not answer")


def _standing(declaration):
    refs = declaration.resource.get("spec", {}).get("signing", {}).get("secretRefs", ())
    values = [declaration.secrets.get(ref["name"], {}).get(ref["key"]) for ref in refs]
    fingerprints = [shown_fingerprint(value) if value else None for value in values]
    resolved = None not in fingerprints
    suspended = declaration.resource.get("spec", {}).get("suspend")
    hold = "Suspended" if suspended else None if resolved else "Unresolved"
    return {
        "fingerprint": declaration.fingerprint,
        "resolved": resolved,
        "reasons": () if resolved else ("spec.signing.secretRefs[0]: it is not there",),
        "keys": tuple(
            KeyStanding(ref["name"], ref["key"], fingerprint)
            for ref, fingerprint in zip(refs, fingerprints, strict=True)
        ),
        "endpoint": EndpointStanding(True if resolved else None),
        "health": HealthReading(hold=hold),
    }


def found(**values):
    return Found({name: value.encode() for name, value in values.items()})


class Recorder:
    """Remembers what an observer was told, whatever its methods are called."""

    def __init__(self):
        self.told = []

    def __getattr__(self, method):
        def tell(*values, **fields):
            self.told.append((method, *values, *([fields] if fields else [])))

        return tell

    def trouble(self, name, /, *causes, **fields):
        """As an event or as a warning, as the operator's own observer has it."""
        OperatorObserver.trouble(self, name, *causes, **fields)

    def of(self, method):
        return [told[1:] for told in self.told if told[0] == method]


class StillClock:
    """Stands still until it is moved."""

    def __init__(self, now=1_772_360_000.0):
        self.seconds = 0.0
        self._began = now

    def now(self):
        return self._began + self.seconds

    def monotonic(self):
        return self.seconds
