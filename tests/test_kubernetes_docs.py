"""What the pages on Kubernetes say is true: manifests, settings, metrics, reasons, log events, commands.

tests/cluster/test_docs.py asks kubectl and a real API server for the rest.
"""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from hookgate.deliveries import Outcome
from hookgate.resources import WebhookReplay, WebhookSubscription
from hookgate_gateway.rules.address import AddressClass
from hookgate_gateway.settings import SETTINGS as GATEWAY_SETTINGS
from hookgate_operator.keys.plan import API_KEY_LABEL, SOURCE_LABEL, KeyReason, declared
from hookgate_operator.observe import OperatorObserver
from hookgate_operator.ports import Key, Kind, Observed
from hookgate_operator.replays.conditions import Reason as ReplayReason
from hookgate_operator.settings import SETTINGS as OPERATOR_SETTINGS
from hookgate_operator.subscriptions.conditions import Reason

ROOT = Path(__file__).parent.parent
KUBERNETES = (ROOT / "docs/kubernetes.md").read_text()
TROUBLESHOOTING = (ROOT / "docs/troubleshooting.md").read_text()
INSTALL = (ROOT / "examples/kubernetes/install/hookgate.yaml").read_text()
README = (ROOT / "README.md").read_text()
TEXTS = {
    "README.md": README,
    "docs/install.md": (ROOT / "docs/install.md").read_text(),
    "docs/kubernetes.md": KUBERNETES,
    "docs/production.md": (ROOT / "docs/production.md").read_text(),
    "docs/troubleshooting.md": TROUBLESHOOTING,
    "docs/operator.md": (ROOT / "docs/operator.md").read_text(),
    "docs/architecture.md": (ROOT / "docs/architecture.md").read_text(),
    "docs/reference/conditions.md": (ROOT / "docs/reference/conditions.md").read_text(),
    "docs/reference/permissions.md": (ROOT / "docs/reference/permissions.md").read_text(),
    "examples/kubernetes/install/hookgate.yaml": INSTALL,
}
MODELS = {"WebhookSubscription": WebhookSubscription, "WebhookReplay": WebhookReplay}
OPERATOR = ROOT / "operator/hookgate_operator"

texts = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


def manifests():
    """The objects of the code blocks of docs/kubernetes.md."""
    blocks = re.findall(r"```yaml\n(.*?)```", KUBERNETES, re.DOTALL)
    return [document for block in blocks for document in yaml.safe_load_all(block)]


def sections(text):
    """What stands under each heading, by the heading."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# ------------------------------------------------------------------------------------ manifests


def test_every_kind_of_object_is_shown():
    assert {each["kind"] for each in manifests()} == {*MODELS, "Secret"}


@pytest.mark.parametrize(
    "manifest", [each for each in manifests() if each["kind"] in MODELS], ids=lambda it: it["kind"]
)
def test_resources_are_valid(manifest):
    MODELS[manifest["kind"]].model_validate(manifest)


def test_secrets_are_what_their_labels_say():
    secrets = [each for each in manifests() if each["kind"] == "Secret"]
    kinds = []
    for each in secrets:
        metadata, values = each["metadata"], each["stringData"]
        key = Key(Kind.KEY_SECRET, metadata["namespace"], metadata["name"])
        observed = Observed(
            key=key,
            uid="u",
            generation=0,
            resource_version="1",
            document={"metadata": metadata, "data": dict.fromkeys(values, "eA==")},
        )
        ((place, draft),) = declared(observed).items()
        assert draft.secrets[key.name].keys() == values.keys()
        kinds.append(place.kind.value)
    assert kinds == ["api-keys", "sources"]


# --------------------------------------------------------------------- names that the code knows


@texts
def test_every_setting_that_is_named_exists(text):
    known = GATEWAY_SETTINGS.known() | OPERATOR_SETTINGS.known()
    assert set(re.findall(r"HOOKGATE_[A-Z_]+[A-Z]", text)) <= known


@texts
def test_every_label_that_is_named_is_read(text):
    read = {
        API_KEY_LABEL,
        SOURCE_LABEL,
        "hookgate.dev/watch",
        "hookgate.dev/v1alpha1",
        "hookgate.dev/tolerance-seconds",
    }
    assert set(re.findall(r"hookgate\.dev/[a-z0-9-]+", text)) <= read


@texts
def test_every_metric_of_the_operator_that_is_named_exists(text):
    registry = CollectorRegistry()
    OperatorObserver(registry)
    known = {metric.name + suffix for metric in registry.collect() for suffix in ("", "_total")}
    named = set(re.findall(r"`(hookgate_(?:operator|subscriptions)[a-z_]*)\{?", text))
    python = {"hookgate_operator", "hookgate_process"}
    assert named - python <= known


def test_the_alerts_that_are_advised_have_labels_that_exist():
    observer = OperatorObserver(CollectorRegistry())
    observer.subscriptions_stand("shop", {("Ready", "False"): 1})
    value = observer.registry.get_sample_value(
        "hookgate_subscriptions", {"namespace": "shop", "condition": "Ready", "status": "False"}
    )
    assert value == 1
    assert (
        observer.registry.get_sample_value("hookgate_operator_reconcile_total", {"result": "error"})
        == 0
    )
    assert '{condition="Ready",status="False"}' in KUBERNETES
    assert '{result="error"}' in KUBERNETES


@pytest.mark.parametrize(
    "event",
    re.findall(r"^\| `([a-z_]+)`(?:, `([a-z_]+)`)? \| .* \|$", TROUBLESHOOTING, re.MULTILINE),
)
def test_every_log_event_that_is_named_is_logged(event):
    """Outcomes, which have a table of the same form, are told apart by their own test."""
    sources = "".join(file.read_text() for file in OPERATOR.rglob("*.py"))
    for name in filter(None, event):
        assert name in set(Outcome) or f'"{name}"' in sources


@pytest.mark.parametrize("name", ["gateway_health_unread", "reconcile_retried", "watch_trouble"])
def test_log_events_of_the_text_are_logged(name):
    assert f"`{name}`" in TROUBLESHOOTING
    assert f'"{name}"' in "".join(file.read_text() for file in OPERATOR.rglob("*.py"))


# ---------------------------------------------------------------------------- what is looked up


def test_every_outcome_of_an_attempt_has_its_row():
    table = sections(TROUBLESHOOTING)["Delivering is False"]
    rows = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    assert rows == ["outcome", *(each for each in Outcome if each is not Outcome.SUCCESS)]


def test_every_reason_why_something_does_not_work_is_looked_after():
    """Reasons that are well, or that another one tells, have nothing to look at."""
    well = {"Ready", "Resolved", "Allowed", "Delivering", "Forbidden", "Unresolved"}
    assert {reason.value for reason in Reason} - well <= set(re.findall(r"\w+", TROUBLESHOOTING))


def test_every_reason_of_key_secrets_is_looked_after():
    under = sections(TROUBLESHOOTING)["An API key or a source is not accepted"]
    assert set(re.findall(r"\*\*(\w+)\*\*", under)) == set(KeyReason) - {KeyReason.ACCEPTED}


def test_the_reasons_of_replays_are_spelt_as_they_are():
    under = sections(TROUBLESHOOTING)["A WebhookReplay does not come to its end"]
    assert set(re.findall(r"\*\*(\w+)\*\*", under)) <= set(ReplayReason)


def test_classes_of_addresses_are_spelt_as_they_are():
    under = sections(TROUBLESHOOTING)["EndpointForbidden"]
    sentence = re.search(r"The message names its class: (.*) and others", under)[1]
    assert set(re.findall(r"`(.*?)`", sentence)) <= set(AddressClass)


@pytest.mark.parametrize(
    "words",
    [
        words
        for cell in re.findall(
            r"^\| (`[^|]*`) \|",
            sections(TROUBLESHOOTING)["GatewayUnreachable"],
            re.MULTILINE,
        )
        for words in re.findall(r"`([^`]+)`", cell)
    ],
)
def test_what_the_operator_says_of_the_gateway_is_what_it_says(words):
    source = (OPERATOR / "gateway_client/errors.py").read_text()
    known = {"connection refused", "it answers 503"}  # the system's words, and a number
    assert words in known or words in source


@pytest.mark.parametrize(
    "words",
    [
        "the API server does not serve",
        "the operator may not",
        "the API server does not accept the operator's token (401)",
        "the API server cannot be reached",
    ],
)
def test_what_the_operator_says_of_the_cluster_is_what_it_says(words):
    assert words in sections(TROUBLESHOOTING)["The operator"]
    assert words in (OPERATOR / "cluster/errors.py").read_text()


@pytest.mark.parametrize(
    "rule",
    ["must have exactly one of", "must not be changed", "must not be changed but for suspend"],
)
def test_rules_are_quoted_as_they_are(rule):
    definitions = "".join(file.read_text() for file in (ROOT / "crds").iterdir())
    assert rule in TROUBLESHOOTING
    assert rule in definitions


# ------------------------------------------------------------------------------------- install


def containers():
    (stateful,) = [d for d in yaml.safe_load_all(INSTALL) if d["kind"] == "StatefulSet"]
    return stateful["spec"]["template"]["spec"]


def environment(name):
    (container,) = [each for each in containers()["containers"] if each["name"] == name]
    assert container["args"] == [name]
    return {each["name"]: each["value"] for each in container["env"]}


@pytest.mark.parametrize(
    ("name", "settings"), [("gateway", GATEWAY_SETTINGS), ("operator", OPERATOR_SETTINGS)]
)
def test_what_the_pod_tells_its_processes_can_be_read(name, settings, monkeypatch):
    for variable, value in environment(name).items():
        monkeypatch.setenv(variable, value)
    settings.load()


def test_the_two_of_the_pod_find_each_other():
    gateway, operator = environment("gateway"), environment("operator")
    control = gateway["HOOKGATE_CONTROL_LISTEN"]
    assert operator["HOOKGATE_OPERATOR_GATEWAY_URL"] == f"http://{control}"
    token = gateway["HOOKGATE_CONTROL_TOKEN_FILE"]
    assert operator["HOOKGATE_OPERATOR_GATEWAY_TOKEN_FILE"] == token


def test_the_pod_has_the_time_that_a_stop_takes(monkeypatch):
    monkeypatch.setenv("HOOKGATE_STORE", "sqlite:///x.db")
    grace = GATEWAY_SETTINGS.load().shutdown_grace_seconds
    assert containers()["terminationGracePeriodSeconds"] > grace


# --------------------------------------------------------------------------------------- links


def anchors(page):
    """The anchors of a page's headings, as the forges make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", [name for name in TEXTS if name.endswith(".md")])
def test_links_into_pages_lead_to_headings_that_are_there(document):
    path = ROOT / document
    for target, anchor in re.findall(r"\]\(([^)#|]*)#([^)]+)\)", path.read_text()):
        if not target.startswith("https://"):
            assert anchor in anchors(path.parent / target if target else path), (target, anchor)
