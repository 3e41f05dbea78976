"""File descriptors: taken as far as granted, and shared with deliveries."""

import resource

import pytest

from hookgate_gateway.app.descriptors import for_clients, grant


def test_the_soft_limit_is_raised_to_what_is_granted():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        granted = grant()
        assert granted > 256
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (granted, before[1])
        assert grant() == granted
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("wanted", "granted", "others", "expected"),
    [
        (8192, 131072, 1024, 8192),
        (8192, 4096, 1024, 2048),  # half
        (8192, 3000, 1024, 952),  # deliveries first
        (8192, 1024, 1024, 256),  # too few for both
        (10, 131072, 1024, 10),
    ],
)
def test_how_many_clients(wanted, granted, others, expected):
    assert for_clients(wanted, granted, others) == expected
