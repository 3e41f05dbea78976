"""Any value of any setting: it is used, or one line says what is wrong with which variable."""

import contextlib
import os
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.settings import PREFIX, SETTINGS, Settings
from hookgate_gateway.settings.values import parse_dns_servers, parse_listen, parse_store
from hookgate_process.settings import SettingsError

PASSWORD = "hunter2-and-more"
DSN = f"postgresql://u:{PASSWORD}@db/x"
FIELDS = sorted(Settings.model_fields)
environment_text = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=40
)
values = environment_text | st.sampled_from(
    ["", " ", "-1", "0", "1e999", "nan", "inf", "9" * 5000, "true", "null", "[]", '{"a": 1}', "::", "[::1]:80",
     "sqlite:///", "sqlite:////a\nb", DSN, "10.0.0.0/8,", "٣", "1_000", "0x10"]
)  # fmt: skip


@given(st.sampled_from(FIELDS), values)
def test_any_value(field, value):
    environment = {
        Settings.variable("store"): "sqlite:///hookgate.db",
        Settings.variable(field): value,
    }
    with patch.dict(os.environ, environment, clear=True):
        try:
            settings = SETTINGS.load()
        except SettingsError as error:
            [line] = error.lines
            assert line.startswith(Settings.variable(field))
            assert PASSWORD not in line or value != DSN
            assert line.isprintable()
        else:
            assert settings.store


names = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0="), max_size=20)


@given(st.dictionaries(names.map(lambda n: PREFIX + n) | names, values, max_size=6))
def test_strangers_are_named_one_a_line(environment):
    for line in SETTINGS.unknown(environment):
        assert line.startswith(tuple(environment))


@given(values)
@pytest.mark.parametrize("parse", [parse_listen, parse_dns_servers, parse_store])
def test_parsers_raise_value_errors_alone(parse, value):
    with contextlib.suppress(ValueError):
        parse(value)
