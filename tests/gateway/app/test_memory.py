"""One number divided into budgets, each of which takes the largest body alone."""

from dataclasses import astuple
from pathlib import Path

import pytest

from hookgate_gateway.app.memory import divide, least, read_budgets
from hookgate_gateway.settings import SETTINGS, Settings
from hookgate_process.failures import CannotStart

MIB = 1024 * 1024
LARGEST = {"max_body": 64 * MIB, "max_in_flight": 1024}
SMALL_BODIES = 64 * MIB
"""1024 attempts with one of 64 KiB each."""


def test_the_default_is_enough_for_the_largest_report_that_can_be_permitted():
    default = Settings.model_fields["body_memory_bytes"].default
    assert least(**LARGEST) == default
    assert least(max_body=8 * MIB, max_in_flight=1024) == SMALL_BODIES + 96 * MIB


@pytest.mark.parametrize("total", [832 * MIB, 833 * MIB, 5 * 1024 * MIB + 7])
def test_the_budgets_and_small_bodies_under_way_are_the_number(total):
    budgets = divide(total, **LARGEST)
    assert total - 12 < SMALL_BODIES + sum(astuple(budgets)) <= total


def test_each_takes_the_largest_body_alone_and_one_namespace_has_half():
    budgets = divide(least(**LARGEST), **LARGEST)
    assert min(astuple(budgets)) >= 64 * MIB
    assert min(budgets.uploads, budgets.intake) >= 2 * 64 * MIB


def test_too_little_is_told_with_the_settings_and_the_remedy():
    with pytest.raises(CannotStart) as caught:
        read_budgets(settings(body_memory_bytes=100 * MIB))
    assert str(caught.value) == (
        "HOOKGATE_BODY_MEMORY_BYTES=104857600 is too little for HOOKGATE_MAX_BODY_BYTES=8388608 and"
        " HOOKGATE_MAX_INFLIGHT=1024: set it to at least 167772160, or lower one of the two"
    )
    assert read_budgets(settings(body_memory_bytes=160 * MIB)).answers == 8 * MIB
    assert read_budgets(settings(body_memory_bytes=100 * MIB, max_inflight=32)).answers > 8 * MIB
    with pytest.raises(ValueError, match="too few"):
        divide(100 * MIB, **LARGEST)


def settings(**values: int) -> Settings:
    return SETTINGS.model(store=Path("hookgate.db"), **values)
