"""The upstream's keys, from a file that changes."""

import pytest
from prometheus_client import CollectorRegistry

from hookgate_gateway.observe import Observer
from hookgate_gateway.upstream.keys import UnusableKeys, UpstreamKeys

OLD, NEW = "old-key-0123456789", "new-key-0123456789"


def write(file, text):
    """As an editor or a volume mount does it."""
    other = file.with_suffix(".tmp")
    other.write_text(text)
    other.replace(file)


def test_a_change_is_taken_up_and_a_broken_file_changes_nothing(tmp_path):
    file = tmp_path / "key"
    write(file, f" {OLD}\n")
    keys = UpstreamKeys(file, Observer(CollectorRegistry()))
    assert keys.current() == (OLD.encode(),)
    write(file, f"{NEW}\n{OLD}\n")
    assert keys.current() == (NEW.encode(), OLD.encode())
    write(file, "")
    assert keys.current() == (NEW.encode(), OLD.encode())
    assert NEW not in repr(keys)


@pytest.mark.parametrize(
    ("text", "why"), [("\n", "holds no key"), ("short", "fewer than 16"), ("ü" * 20, "ASCII")]
)
def test_what_cannot_be_a_key_is_told_without_it(tmp_path, text, why):
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(UnusableKeys, match=why) as raised:
        UpstreamKeys(file, Observer(CollectorRegistry()))
    assert text.strip() not in str(raised.value) or not text.strip()


def test_no_file_at_all(tmp_path):
    with pytest.raises(UnusableKeys, match="cannot be read"):
        UpstreamKeys(tmp_path / "key", Observer(CollectorRegistry()))
