"""The environment as settings, and the one line that each mistake gets."""

from pathlib import Path

import pytest

from hookgate_gateway.settings import SETTINGS, Settings
from hookgate_process.addresses import ListenAddress
from hookgate_process.manual import help_text, markdown_table
from hookgate_process.settings import LogFormat, SettingsError


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in SETTINGS.known():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOOKGATE_STORE", "sqlite:///hookgate.db")
    return monkeypatch


def lines():
    with pytest.raises(SettingsError) as caught:
        SETTINGS.load()
    return caught.value.lines


def test_only_the_store_is_required(environment):
    settings = SETTINGS.load()
    assert settings.store == Path("hookgate.db")
    assert settings.listen == ListenAddress(None, 8080)
    environment.delenv("HOOKGATE_STORE")
    assert lines() == (
        "HOOKGATE_STORE is not set; for example HOOKGATE_STORE=sqlite:///hookgate.db",
    )


def test_values_are_read_by_their_type(environment):
    environment.setenv("HOOKGATE_METRICS_LISTEN", "[::1]:9999")
    environment.setenv("HOOKGATE_LOG_FORMAT", "text")
    environment.setenv("HOOKGATE_MAX_INFLIGHT", "7")
    environment.setenv("HOOKGATE_METRICS_SUBSCRIPTION_LABEL", "false")
    settings = SETTINGS.load()
    assert settings.metrics_listen == ListenAddress("::1", 9999)
    assert settings.log_format is LogFormat.TEXT
    assert settings.max_inflight == 7
    assert settings.metrics_subscription_label is False


def test_an_empty_variable_is_an_unset_one(environment):
    environment.setenv("HOOKGATE_RETENTION_DAYS", "")
    assert SETTINGS.load().retention_days == 30


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("HOOKGATE_LISTEN", "8080", "expected host:port"),
        ("HOOKGATE_STORE", "oracle:///x", "expected sqlite:///path"),
        ("HOOKGATE_MAX_INFLIGHT", "many", "valid integer"),
        ("HOOKGATE_MAX_INFLIGHT", "0", "greater than or equal to 1"),
        ("HOOKGATE_RETENTION_DAYS", "nan", "finite number"),
        ("HOOKGATE_SHUTDOWN_GRACE_SECONDS", "inf", "finite number"),
        ("HOOKGATE_LOG_FORMAT", "xml", "'json' or 'text'"),
        ("HOOKGATE_EGRESS_ALLOW", "10.0.0.0/99", "10.0.0.0/99"),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_the_remedy(
    environment, name, value, reason
):
    environment.setenv(name, value)
    (line,) = lines()
    assert line.startswith(f"{name}='{value}' cannot be used: ")
    assert reason in line
    assert f"; for example {name}=" in line


def test_every_wrong_variable_gets_its_line(environment):
    environment.setenv("HOOKGATE_LISTEN", "x")
    environment.setenv("HOOKGATE_LOG_LEVEL", "loud")
    assert len(lines()) == 2


def test_a_password_in_a_store_url_is_not_shown(environment):
    environment.setenv("HOOKGATE_STORE", "postgresql://hookgate:hunter2@db/hookgate")
    (line,) = lines()
    assert "hunter2" not in line
    assert "SQLite only" in line


def test_a_typo_is_told_with_the_nearest_setting():
    assert SETTINGS.unknown({"HOOKGATE_LISTN": "x", "HOOKGATE_STORE": "x", "PATH": "x"}) == (
        "HOOKGATE_LISTN is not a setting and changes nothing; did you mean HOOKGATE_LISTEN?",
    )
    (line,) = SETTINGS.unknown({"HOOKGATE_ZZZZZZ": ""})
    assert "see `hookgate gateway --help`" in line


def test_help_and_table_show_every_setting():
    for name in SETTINGS.known():
        assert name in help_text(Settings)
        assert f"`{name}`" in markdown_table(Settings)
