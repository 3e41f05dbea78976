"""Manifests that are refused, taken and edited, each once: for the models, the manifests folder and kubectl.

A rule's words are ours wherever it is broken. Plain bounds (a range, a length, a type, an enum, an
unknown field) are part of the schema for the sake of whoever reads it, and there the API server has
words of its own: for those a case says what of the server's line is to be seen behind the field's path.
"""

import copy
from dataclasses import dataclass
from typing import Any

SUBSCRIPTION: dict[str, Any] = {
    "apiVersion": "hookgate.dev/v1alpha1",
    "kind": "WebhookSubscription",
    "metadata": {"name": "invoices"},
    "spec": {
        "endpoint": {"url": "https://billing.shop.example/webhooks/skyvern"},
        "signing": {"secretRefs": [{"name": "billing-webhook", "key": "secret"}]},
    },
}
REPLAY: dict[str, Any] = {
    "apiVersion": "hookgate.dev/v1alpha1",
    "kind": "WebhookReplay",
    "metadata": {"name": "outage"},
    "spec": {"filter": {"subscription": "invoices"}},
}
REF = {"secretKeyRef": {"name": "billing", "key": "token"}}


def changed(sound: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A sound manifest with one field set; `path` as ``spec.endpoint.headers``."""
    made = copy.deepcopy(sound)
    *above, last = path.split(".")
    place = made
    for part in above:
        place = place.setdefault(part, {})
    place[last] = value
    return made


@dataclass(frozen=True, slots=True)
class Refused:
    """A manifest with one mistake."""

    sound: dict[str, Any]
    path: str
    value: object
    line: str
    """What the models and the manifests folder say: the path of what is wrong, and why."""
    server: str | None = None
    """What the API server says instead of our words; None where it says ours."""
    server_path: str | None = None
    """Where the API server sees the mistake, if not where we do."""

    @property
    def manifest(self) -> dict[str, Any]:
        return changed(self.sound, self.path, self.value)

    @property
    def where(self) -> str:
        return self.line.partition(": ")[0]

    @property
    def words(self) -> str:
        return self.line.partition(": ")[2]

    def __str__(self) -> str:
        return f"{self.path}={self.value!r}"[:60]


def subscription(path: str, value: object, line: str, server: str | None = None, server_path: str | None = None) -> Refused:  # fmt: skip
    return Refused(SUBSCRIPTION, path, value, line, server, server_path)


def replay(path: str, value: object, line: str, server: str | None = None, server_path: str | None = None) -> Refused:  # fmt: skip
    return Refused(REPLAY, path, value, line, server, server_path)


def unknown(case: Refused) -> Refused:
    """The API server names an unknown field by its path, in a sentence about all of the object."""
    return Refused(
        case.sound, case.path, case.value, case.line, "", f'unknown field "{case.where}"'
    )


NAME = "must be the name of a Kubernetes object (lower case, digits, - and .)"
KEY = "must be a key of a Secret (letters, digits, -, _ and .)"
RESERVED = "is reserved: the gateway and HTTP itself set Host, Content-*, hop-by-hop headers, webhook-*, x-skyvern-* and x-hookgate-*"
BLANKS = "must not contain white space, control characters or backslashes"
PLACE = "must name a host, and a port up to 65535 if any"
SCHEME = "must start with http:// or https://"
CONTROLS = "must not contain line breaks or other control characters"
TWICE = "must not have the same item twice"
MOMENT = "must be a time like 2026-03-01T10:00:00Z"

URL = "spec.endpoint.url"
HEADERS = "spec.endpoint.headers"
REFS = "spec.signing.secretRefs"
DELIVERY = "spec.delivery"
FILTER = "spec.filter"

REFUSED = [
    # ---- the shape
    subscription("spec", [], "spec: must be a mapping of fields", "must be of type object"),
    unknown(subscription("spec.suspnd", True, "spec.suspnd: is not a known field; did you mean suspend?")),
    unknown(subscription("spec.endpoint.retry_delays", 1, "spec.endpoint.retry_delays: is not a known field; known are url, urlFrom, headers, timeoutSeconds, tls")),
    unknown(subscription(HEADERS, [{"name": "x", "value": "a", "vlaueFrom": REF}], "spec.endpoint.headers[0].vlaueFrom: is not a known field; did you mean valueFrom?")),
    unknown(subscription("spec.endpoint.tls", {"caFrom": REF | {"secretRef": 1}}, "spec.endpoint.tls.caFrom.secretRef: is not a known field; did you mean secretKeyRef?")),
    subscription("spec.suspend", "on", "spec.suspend: must be true or false", "must be of type boolean"),
    subscription("spec.suspend", 1, "spec.suspend: must be true or false", "must be of type boolean"),
    subscription("spec.match", {"interim": "yes"}, "spec.match.interim: must be true or false", "must be of type boolean"),
    # ---- names
    subscription("metadata.name", "S_x", f"metadata.name: {NAME}", "RFC 1123 subdomain"),
    subscription("spec.gatewayClass", "A b", f"spec.gatewayClass: {NAME}"),
    subscription("spec.gatewayClass", "a" * 254, "spec.gatewayClass: must have at most 253 characters", "253"),
    subscription(REFS, [{"name": "a", "key": "b c"}], f"spec.signing.secretRefs[0].key: {KEY}"),
    subscription(REFS, [{"name": "-a", "key": "b"}], f"spec.signing.secretRefs[0].name: {NAME}"),
    # ---- the URL
    subscription("spec.endpoint", {}, "spec.endpoint: must have exactly one of url and urlFrom"),
    subscription("spec.endpoint.urlFrom", REF, "spec.endpoint: must have exactly one of url and urlFrom"),
    subscription(URL, 5, f"{URL}: must be text; put it in quotes", "must be of type string"),
    subscription(URL, "x.example/hook", f"{URL}: {SCHEME}"),
    subscription(URL, "", f"{URL}: {SCHEME}"),
    subscription(URL, " https://x.example", f"{URL}: {SCHEME}"),
    subscription(URL, "ftp://x.example", f"{URL}: {SCHEME}"),
    subscription(URL, "https://user:hunter2@x.example", f"{URL}: must not contain user info (user:password@); send a header instead"),
    subscription(URL, "https://@x.example", f"{URL}: must not contain user info (user:password@); send a header instead"),
    subscription(URL, "https://x.example/a b", f"{URL}: {BLANKS}"),
    subscription(URL, "https://x.example\\@y", f"{URL}: {BLANKS}"),
    subscription(URL, "https://x.example/a\nb", f"{URL}: {BLANKS}"),
    subscription(URL, "https://x.example/\x1f", f"{URL}: {BLANKS}"),
    subscription(URL, "https://x.example/\x85b", f"{URL}: {BLANKS}"),
    subscription(URL, "https://", f"{URL}: {PLACE}"),
    subscription(URL, "https://x.example:65536", f"{URL}: {PLACE}"),
    subscription(URL, "https://x.example:8o", f"{URL}: {PLACE}"),
    subscription(URL, "https://[::1%25eth0]/", f"{URL}: {PLACE}"),
    subscription(URL, "https://x.example/" + "a" * 2066, f"{URL}: must not be longer than 2083 characters"),
    subscription(URL, "https://x.example/" + "a" * 4149, f"{URL}: must have at most 4166 characters", "4166"),
    # ---- headers
    subscription(HEADERS, [{"name": "x"}], "spec.endpoint.headers[0]: must have exactly one of value and valueFrom"),
    subscription(HEADERS, [{"name": "x", "value": "a", "valueFrom": REF}], "spec.endpoint.headers[0]: must have exactly one of value and valueFrom"),
    subscription(HEADERS, [{"name": "X-Team", "value": "a"}], "spec.endpoint.headers[0].name: must be a header name in lower case, of at most 128 characters"),
    subscription(HEADERS, [{"name": "x:y", "value": "a"}], "spec.endpoint.headers[0].name: must be a header name in lower case, of at most 128 characters"),
    subscription(HEADERS, [{"name": "x" * 129, "value": "a"}], "spec.endpoint.headers[0].name: must be a header name in lower case, of at most 128 characters"),
    subscription(HEADERS, [{"name": "x" * 257, "value": "a"}], "spec.endpoint.headers[0].name: must have at most 256 characters", "256"),
    subscription(HEADERS, [{"name": "x", "value": "hunter2\r\ny: z"}], f"spec.endpoint.headers[0].value: {CONTROLS}"),
    subscription(HEADERS, [{"name": "x", "value": "a\x7f"}], f"spec.endpoint.headers[0].value: {CONTROLS}"),
    subscription(HEADERS, [{"name": "x", "value": True}], "spec.endpoint.headers[0].value: must be text; put it in quotes", "must be of type string"),
    subscription(HEADERS, [{"name": "x", "value": ""}], "spec.endpoint.headers[0].value: must have at least 1 character", "at least 1"),
    subscription(HEADERS, [{"name": "x", "value": "a" * 4097}], "spec.endpoint.headers[0].value: must have at most 4096 characters", "4096"),
    subscription(HEADERS, [{"name": "x", "value": "a"}] * 2, "spec.endpoint.headers: must name each header once"),
    subscription(HEADERS, [{"name": f"x-{n}", "value": "a"} for n in range(33)], "spec.endpoint.headers: must have at most 32 items", "at most 32"),
    *[subscription(HEADERS, [{"name": name, "value": "a"}], f"spec.endpoint.headers[0].name: {RESERVED}") for name in (
        "Host", "content-type", "Content-Length", "TRANSFER-ENCODING", "connection", "te", "Upgrade",
        "webhook-id", "X-Skyvern-Signature", "x-hookgate-test")],
    # ---- time and TLS
    subscription("spec.endpoint.timeoutSeconds", 31, "spec.endpoint.timeoutSeconds: 31 is not between 1 and 30 seconds", "less than or equal to 30"),
    subscription("spec.endpoint.timeoutSeconds", 0, "spec.endpoint.timeoutSeconds: 0 is not between 1 and 30 seconds", "greater than or equal to 1"),
    subscription("spec.endpoint.timeoutSeconds", "30", "spec.endpoint.timeoutSeconds: must be a whole number", "must be of type integer"),
    subscription("spec.endpoint.timeoutSeconds", 1.5, "spec.endpoint.timeoutSeconds: must be a whole number", "must be of type integer"),
    subscription("spec.endpoint.timeoutSeconds", True, "spec.endpoint.timeoutSeconds: must be a whole number", "must be of type integer"),
    subscription("spec.endpoint.tls", {"caFrom": {}}, "spec.endpoint.tls.caFrom: must have exactly one of secretKeyRef and configMapKeyRef"),
    subscription("spec.endpoint.tls", {"caFrom": REF, "insecureSkipVerify": True}, "spec.endpoint.tls: must not have both caFrom and insecureSkipVerify: nothing would be verified"),
    subscription("spec.endpoint.tls", {"serverName": "a b"}, "spec.endpoint.tls.serverName: must be a host name"),
    # ---- which events
    subscription("spec.match", {"statuses": ["complete"]}, "spec.match.statuses[0]: must be created, queued, running, paused, completed, failed, terminated, canceled or timed_out", 'supported values: "created", "queued", "running"'),
    subscription("spec.match", {"runTypes": "task_v2"}, "spec.match.runTypes: must be a list", "must be of type array"),
    subscription("spec.match", {"runTypes": ["task_v2", "task_v2"]}, f"spec.match.runTypes: {TWICE}", "Duplicate value", "spec.match.runTypes[1]"),
    subscription("spec.match", {"workflowIds": [""]}, "spec.match.workflowIds[0]: must have at least 1 character", "at least 1"),
    subscription("spec.match", {"workflowIds": ["a", "a"]}, f"spec.match.workflowIds: {TWICE}", "Duplicate value", "spec.match.workflowIds[1]"),
    # ---- signing
    subscription(REFS, [], f"{REFS}: must have at least 1 item", "at least 1"),
    subscription(REFS, [REF["secretKeyRef"]] * 4, f"{REFS}: must have at most 3 items", "at most 3"),
    subscription("spec.signing", {}, f"{REFS}: is required", "Required value"),
    subscription("spec.signing.scheme", "hunter2", "spec.signing.scheme: must be Skyvern, SkyvernHex or StandardWebhooks", 'supported values: "Skyvern", "SkyvernHex", "StandardWebhooks"'),
    # ---- delivery
    subscription(f"{DELIVERY}.retryDelaysSeconds", [60, 300, 0], f"{DELIVERY}.retryDelaysSeconds[2]: 0 is not between 1 and 86400 seconds", "greater than or equal to 1"),
    subscription(f"{DELIVERY}.retryDelaysSeconds", [86_401], f"{DELIVERY}.retryDelaysSeconds[0]: 86401 is not between 1 and 86400 seconds", "less than or equal to 86400"),
    subscription(f"{DELIVERY}.retryDelaysSeconds", [60] * 21, f"{DELIVERY}.retryDelaysSeconds: must have at most 20 items", "at most 20"),
    subscription(f"{DELIVERY}.retryDelaysSeconds", 60, f"{DELIVERY}.retryDelaysSeconds: must be a list", "must be of type array"),
    subscription(f"{DELIVERY}.jitterPercent", 101, f"{DELIVERY}.jitterPercent: 101 is not between 0 and 100 percent", "less than or equal to 100"),
    subscription(f"{DELIVERY}.maxAgeSeconds", 10**400, f"{DELIVERY}.maxAgeSeconds: the number is not between 1 and 2147483647 seconds", "", "cannot unmarshal number"),
    subscription(f"{DELIVERY}.maxAgeSeconds", 2**31, f"{DELIVERY}.maxAgeSeconds: 2147483648 is not between 1 and 2147483647 seconds", "2147483647"),
    subscription(f"{DELIVERY}.maxInFlight", 0, f"{DELIVERY}.maxInFlight: 0 is not between 1 and 1024 requests", "greater than or equal to 1"),
    subscription(f"{DELIVERY}.rateLimit", {"burst": 1}, f"{DELIVERY}.rateLimit.requestsPerSecond: is required", "Required value"),
    subscription(f"{DELIVERY}.circuitBreaker", {"openSeconds": 0}, f"{DELIVERY}.circuitBreaker.openSeconds: 0 is not between 1 and 86400 seconds", "greater than or equal to 1"),
    # ---- replays
    replay("spec", {}, f"{FILTER}: is required", "Required value"),
    replay(FILTER, {}, f"{FILTER}: must name at least one of subscription, state, outcome, runType, status, since, until and runIds"),
    replay(FILTER, {"notReplayed": True, "runIds": []}, f"{FILTER}: must name at least one of subscription, state, outcome, runType, status, since, until and runIds"),
    replay(FILTER, {"since": "2026-03-02T10:00:00Z", "until": "2026-03-02T11:00:00+01:00"}, f"{FILTER}: since must be before until"),
    replay(FILTER, {"since": "2026-03-02"}, f"{FILTER}.since: {MOMENT}", "date-time"),
    replay(FILTER, {"since": "2026-03-02T10:00:00"}, f"{FILTER}.since: {MOMENT}", "date-time"),
    replay(FILTER, {"until": "2026-02-30T10:00:00Z"}, f"{FILTER}.until: {MOMENT}", "date-time"),
    replay(FILTER, {"until": "2026-03-01t10:00:00z"}, f"{FILTER}.until: {MOMENT}", "should match"),
    replay(FILTER, {"state": "held"}, f"{FILTER}.state: must be pending, delivered, exhausted or cancelled", 'supported values: "pending", "delivered", "exhausted", "cancelled"'),
    replay(FILTER, {"outcome": "oops"}, f"{FILTER}.outcome: must be success, client_error, server_error, redirect, rate_limited, gone, timeout, dns_error, connection_error, tls_error or blocked", "supported values:"),
    replay(FILTER, {"subscription": "A"}, f"{FILTER}.subscription: {NAME}"),
    replay(FILTER, {"runIds": ["a", "a"]}, f"{FILTER}.runIds: {TWICE}", "Duplicate value", f"{FILTER}.runIds[1]"),
    replay(FILTER, {"runIds": ["a\n"]}, f"{FILTER}.runIds[0]: {CONTROLS}"),
    replay(FILTER, {"runIds": [f"tsk_{n}" for n in range(1001)]}, f"{FILTER}.runIds: must have at most 1000 items", "at most 1000"),
    unknown(replay(FILTER, {"run_ids": ["a"], "state": "pending"}, f"{FILTER}.run_ids: is not a known field; did you mean runIds?")),
    replay("spec.ratePerSecond", 0, "spec.ratePerSecond: 0 is not between 1 and 10000 deliveries a second", "greater than or equal to 1"),
    replay("spec.toSubscription", "a/b", f"spec.toSubscription: {NAME}"),
    replay("spec.ttlSecondsAfterFinished", -1, "spec.ttlSecondsAfterFinished: -1 is not between 0 and 2147483647 seconds", "greater than or equal to 0"),
]  # fmt: skip

TAKEN = [
    SUBSCRIPTION,
    REPLAY,
    *[
        changed(SUBSCRIPTION, path, value)
        for path, value in [
            ("spec.gatewayClass", "a-part-longer-than-the-sixty-three-characters-that-a-host-name-may-have.b"),
            (URL, "https://billing.shop.example/hook?x=1#y \t\r\n"),
            (URL, "https://billing.shop.example/hook\u3000"),
            (URL, "HTTP://[2001:db8::1]:8080"),
            (URL, "http://bücher.example:/"),
            (URL, "https://x.example/?redirect=https://user@y"),
            (URL, "https://x.example/" + "a" * 2065),
            (URL, "https://x.example/" + "ü" * 2065),
            ("spec.endpoint", {"urlFrom": REF}),
            ("spec.endpoint", {"url": None, "urlFrom": REF, "headers": None, "tls": None, "timeoutSeconds": None}),
            (HEADERS, [{"name": "x-team", "value": "billing\t1"}, {"name": "authorization", "valueFrom": REF}]),
            (HEADERS, [{"name": "!#$%&'*+.^_`|~-", "value": "ü"}]),
            (HEADERS, [{"name": f"x-{n}", "value": "a"} for n in range(32)]),
            ("spec.endpoint.tls", {"caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}}, "serverName": "a.b"}),
            ("spec.endpoint.tls", {"caFrom": REF, "clientCertificate": {"secretName": "client"}}),
            ("spec.endpoint.tls", {"caFrom": REF, "insecureSkipVerify": False}),
            ("spec.endpoint.tls", {"insecureSkipVerify": True}),
            ("spec.match", {"runTypes": ["task_v2"], "statuses": ["failed"], "workflowIds": ["wpid_*"], "interim": True}),
            ("spec.match", {"runTypes": None, "statuses": None, "workflowIds": None, "interim": None}),
            ("spec.signing.scheme", "StandardWebhooks"),
            (REFS, [REF["secretKeyRef"]] * 2),
            (f"{DELIVERY}.retryDelaysSeconds", []),
            (f"{DELIVERY}.retryDelaysSeconds", [86_400] * 20),
            (f"{DELIVERY}.maxAgeSeconds", 2**31 - 1),
            (f"{DELIVERY}.rateLimit", {"requestsPerSecond": 50, "burst": 100}),
            (f"{DELIVERY}.rateLimit", None),
            (f"{DELIVERY}.circuitBreaker", {"consecutiveFailures": 0}),
            ("status", {"conditions": []}),
        ]
    ],
    *[
        changed(REPLAY, path, value)
        for path, value in [
            (FILTER, {"subscription": "invoices", "state": "exhausted", "outcome": "timeout", "runType": "task_v2", "status": "failed", "runIds": ["tsk_1", "wr_2"], "notReplayed": True}),
            (FILTER, {"since": "2026-03-02T10:00:00Z", "until": "2026-03-02T12:00:00.250+01:00"}),
            (FILTER, {"runIds": [f"tsk_{n}" for n in range(1000)]}),
            (FILTER, {"subscription": "a", "since": None, "until": None, "runIds": None}),
            ("spec.toSubscription", "staging"),
            ("spec.gatewayClass", "eu"),
            ("spec.ratePerSecond", 10_000),
            ("spec.dryRun", True),
            ("spec.suspend", True),
            ("spec.ttlSecondsAfterFinished", 0),
        ]
    ],
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edited:
    """A change of an object that is there: a JSON merge patch, and the line that refuses it, if any."""

    before: dict[str, Any]
    patch: dict[str, Any]
    line: str | None

    def __str__(self) -> str:
        return f"{self.before['kind']}-{self.patch}"[:60]


KEPT = "spec.gatewayClass: must not be changed; make a new subscription"
ONCE = "spec: must not be changed but for suspend and ttlSecondsAfterFinished; make a new replay"
OTHER_CLASS = changed(SUBSCRIPTION, "spec.gatewayClass", "eu")
WHOLE = REPLAY | {
    "spec": {
        "filter": {"subscription": "invoices"},
        "toSubscription": "staging",
        "ratePerSecond": 5,
    }
}

EDITED = [
    Edited(SUBSCRIPTION, {"gatewayClass": "eu"}, KEPT),
    Edited(OTHER_CLASS, {"gatewayClass": "default"}, KEPT),
    Edited(OTHER_CLASS, {"gatewayClass": None}, KEPT),
    Edited(SUBSCRIPTION, {"gatewayClass": "default"}, None),
    Edited(OTHER_CLASS, {"suspend": True}, None),
    Edited(SUBSCRIPTION, {"endpoint": {"url": None, "urlFrom": REF}}, None),
    Edited(REPLAY, {"filter": {"subscription": "other"}}, ONCE),
    Edited(REPLAY, {"filter": {"state": "exhausted"}}, ONCE),
    Edited(REPLAY, {"dryRun": True}, ONCE),
    Edited(REPLAY, {"gatewayClass": "eu"}, ONCE),
    Edited(REPLAY, {"toSubscription": "staging"}, ONCE),
    Edited(REPLAY, {"ratePerSecond": 5}, ONCE),
    Edited(WHOLE, {"toSubscription": None}, ONCE),
    Edited(WHOLE, {"toSubscription": "prod"}, ONCE),
    Edited(WHOLE, {"ratePerSecond": None}, ONCE),
    Edited(WHOLE, {"ratePerSecond": 6}, ONCE),
    Edited(WHOLE, {"suspend": True}, None),
    Edited(REPLAY, {"suspend": True, "ttlSecondsAfterFinished": 60}, None),
    Edited(WHOLE, {"ttlSecondsAfterFinished": 60}, None),
]  # fmt: skip
