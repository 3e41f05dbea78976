"""Times out and in."""

import pytest

from hookgate_gateway.api import times


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z"),
        ("2024-03-01T10:00:00", "2024-03-01T10:00:00Z"),
        ("2024-03-01T10:00:00.123456", "2024-03-01T10:00:00.123456Z"),
        ("2024-03-01T12:00:00+02:00", "2024-03-01T10:00:00Z"),
        (" 2024-03-01T10:00:00Z\n", "2024-03-01T10:00:00Z"),
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
        (1709287200, None),
        (None, None),
    ],
)
def test_a_payloads_time_is_shown_in_utc_or_not_at_all(given: object, shown: str | None) -> None:
    assert times.normal(given) == shown


def test_what_is_written_can_be_read() -> None:
    assert times.text(1709287200.25) == "2024-03-01T10:00:00.250Z"
    assert times.parse(times.text(1709287200.25)) == 1709287200.25
    assert times.parse("2024-03-01T10:00:00") == 1709287200


@pytest.mark.parametrize("text", ["", "now", "2024-13-01", "9999-12-31T23:59:59-14:00"])
def test_what_is_no_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        times.parse(text)
