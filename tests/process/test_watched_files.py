"""Files that change: noticed once, and a broken one leaves what was there."""

import pytest

from hookgate_process.watched_files import SecretWords, UnusableFile, WatchedFiles

OLD, NEW = "old-key-0123456789", "new-key-0123456789"


def write(file, text):
    """As an editor or a volume mount does it."""
    other = file.with_suffix(".tmp")
    other.write_text(text)
    other.replace(file)


def test_any_of_several_is_noticed_once(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("1")
    files = WatchedFiles(first, second)
    assert not files.changed()
    for change in (lambda: second.write_text("2"), lambda: write(first, "3"), second.unlink):
        change()
        assert files.changed()
        assert not files.changed()


def test_a_change_is_taken_up_and_a_broken_file_changes_nothing(tmp_path):
    file = tmp_path / "key"
    write(file, f" {OLD}\n")
    told = []
    words = SecretWords(file, "key", changed=told.append, refused=told.append)
    assert words.current() == (OLD.encode(),)
    write(file, f"{NEW}\n{OLD}\n")
    assert words.current() == (NEW.encode(), OLD.encode())
    assert words.current() is words.current()
    write(file, "")
    assert words.current() == (NEW.encode(), OLD.encode())
    assert told == [2, f"{file} holds no key; write one into it"]
    assert NEW not in repr(words)


@pytest.mark.parametrize(
    ("text", "why"), [("\n", "holds no key"), ("short", "fewer than 16"), ("ü" * 20, "ASCII")]
)
def test_what_cannot_be_a_key_is_told_without_it(tmp_path, text, why):
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(UnusableFile, match=why) as raised:
        SecretWords(file, "key", changed=print, refused=print)
    assert text.strip() not in str(raised.value) or not text.strip()


def test_no_file_at_all(tmp_path):
    with pytest.raises(UnusableFile, match="cannot be read"):
        SecretWords(tmp_path / "key", "key", changed=print, refused=print)
