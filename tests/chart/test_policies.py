"""Every policy holds for every set of values."""

import pytest

from tests.chart.combinations import COMBINATIONS, release_of
from tests.chart.policies import POLICIES


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("policy", POLICIES)
def test_policy(policy, combination):
    assert list(POLICIES[policy](release_of(combination))) == []
