"""The operator's settings: the environment as an object, a line for each mistake, their reference page."""

from pathlib import Path

import pytest
from yarl import URL

from hookgate_operator.settings import SETTINGS, SecretsMode, Settings
from hookgate_process.manual import help_text, markdown_table
from hookgate_process.settings import SettingsError

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "operator-settings.md"


@pytest.fixture(autouse=True, name="environment")
def _environment(monkeypatch):
    for name in SETTINGS.known():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOOKGATE_OPERATOR_GATEWAY_URL", "https://gateway:8081/")
    monkeypatch.setenv("HOOKGATE_OPERATOR_GATEWAY_TOKEN_FILE", "/token")
    return monkeypatch


def lines():
    with pytest.raises(SettingsError) as caught:
        SETTINGS.load()
    return caught.value.lines


def test_the_defaults():
    settings = SETTINGS.load()
    assert settings.gateway_url == URL("https://gateway:8081")
    assert settings.owner == "operator/default"
    assert settings.lease == "hookgate-operator-default"
    assert settings.watch_namespaces == ()
    assert settings.secrets_mode is SecretsMode.WATCH
    assert settings.leader_election is True


def test_owner_and_lease_follow_the_class(environment):
    environment.setenv("HOOKGATE_OPERATOR_GATEWAY_CLASS", "eu")
    settings = SETTINGS.load()
    assert (settings.owner, settings.lease) == ("operator/eu", "hookgate-operator-eu")
    environment.setenv("HOOKGATE_OPERATOR_OWNER_ID", "operator/eu-1")
    environment.setenv("HOOKGATE_OPERATOR_LEASE_NAME", "mine")
    settings = SETTINGS.load()
    assert (settings.owner, settings.lease) == ("operator/eu-1", "mine")


@pytest.mark.parametrize(
    ("text", "names"),
    [("shop", ("shop",)), (" shop, billing,shop ,", ("shop", "billing")), (",", ())],
)
def test_namespaces_are_separated_by_commas(environment, text, names):
    environment.setenv("HOOKGATE_OPERATOR_WATCH_NAMESPACES", text)
    assert SETTINGS.load().watch_namespaces == names


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("GATEWAY_URL", "http://gateway:8081", "must be https"),
        ("GATEWAY_URL", "gateway:8081", "must be a URL like https://HOST:PORT"),
        ("WATCH_NAMESPACES", "shop,Billing", "'Billing' is not the name of a namespace"),
        ("SECRETS_MODE", "watch", "'Watch' or 'Get'"),
        ("GATEWAY_CLASS", "Default", "expected lower-case letters"),
        ("LEASE_NAME", "a/b", "expected lower-case letters"),
        ("LEASE_NAMESPACE", "a.b", "expected lower-case letters"),
        ("LEASE_SECONDS", "4", "greater than or equal to 5"),
        ("OWNER_ID", "manifests", "the gateway's own folder"),
        ("OWNER_ID", "a b", "expected letters, digits"),
        ("WORKERS", "0", "greater than or equal to 1"),
        ("RESYNC_SECONDS", "nan", "finite number"),
        ("WATCH_STALE_SECONDS", "1", "greater than or equal to 10"),
        ("METRICS_LISTEN", "9090", "expected host:port"),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_the_remedy(
    environment, name, value, reason
):
    environment.setenv(f"HOOKGATE_OPERATOR_{name}", value)
    (line,) = lines()
    assert line.startswith(f"HOOKGATE_OPERATOR_{name}='{value}' cannot be used: ")
    assert reason in line
    assert f"; for example HOOKGATE_OPERATOR_{name}=" in line


def test_user_info_in_the_url_is_not_shown(environment):
    environment.setenv("HOOKGATE_OPERATOR_GATEWAY_URL", "https://me:hunter2@gateway:8081")
    (line,) = lines()
    assert "hunter2" not in line
    assert "must not have user info" in line


def test_a_typo_is_told_with_the_nearest_setting():
    (line,) = SETTINGS.unknown({"HOOKGATE_OPERATOR_WORKER": "x", "HOOKGATE_STORE": "x"})
    assert line.startswith("HOOKGATE_OPERATOR_WORKER is not a setting and changes nothing")
    assert line.endswith("did you mean HOOKGATE_OPERATOR_WORKERS?")


def test_help_shows_every_setting():
    for name in SETTINGS.known():
        assert name in help_text(Settings)


def test_every_example_can_be_used():
    for name, field in Settings.model_fields.items():
        (example,) = field.examples
        SETTINGS.load(**{"gateway_url": "https://g:1", "gateway_token_file": "/t", name: example})


def test_the_reference_page_has_the_models_table():
    opened = "<!-- settings: made from the model, checked by tests/controlplane/settings -->\n"
    table = PAGE.read_text().partition(opened)[2].partition("\n<!-- /settings -->")[0]
    assert table == markdown_table(Settings), f"put this:\n{markdown_table(Settings)}"
