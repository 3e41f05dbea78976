"""Hostile and mistaken bytes where a manifest should be; each told without repeating what is there."""

import pytest

from hookgate_gateway.catalogue import manifest_text
from hookgate_gateway.catalogue.manifest_text import ManifestError, read_documents

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("", []),
        ("---\n---\n", []),
        ("a: 1\n---\nb: on\n", [{"a": 1}, {"b": True}]),
        ("a: 1e3\nb: 2024-01-01\n", [{"a": "1e3", "b": "2024-01-01"}]),  # Kubernetes has no dates
        ("base: &b {x: 1}\nmore: {<<: *b, y: 2}\n", [{"base": {"x": 1}, "more": {"x": 1, "y": 2}}]),
        ("\ufeffa: ü\n", [{"a": "ü"}]),
    ],
)
def test_documents(text, documents):
    assert read_documents(text.encode(), is_json=False) == documents


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [hunter2", "line 2: is not YAML: did not find expected ',' or ']'"),
        (
            "x: 1\na: *hunter2",
            "line 2: is not YAML: found undefined alias; put a text that begins with *",
        ),
        (
            "a: !hunter2 x",
            "line 1: is not YAML: could not determine a constructor for the tag '…'; put a text that begins with !",
        ),
        ("a: !!python/object/apply:os.system [hunter2]", "constructor for the tag"),
        ("a: 1\nb:\n  c: 1\n  c: hunter2", "line 4: a key is there twice; keep one"),
        ("a: 1\n'a': 2", "line 2: a key is there twice"),
        ("a: 0b_", "a number in it is malformed"),
        ("a: " + "9" * 5000, "a number in it is malformed"),
        ("on: hunter2", "a key is not text"),
        ("? [hunter2]\n: 1", "is not YAML: found unhashable key"),
        ("a: \x00hunter2", "characters that YAML does not allow"),
        ("a: &x [*x]", "is nested too deeply"),
        ("[" * 1000, "is nested too deeply|did not find expected node"),
        ("[" * 100 + "]" * 100, "is nested too deeply"),
        (BOMB, "has more than 500000 values"),
    ],
)
def test_bad_yaml(text, message):
    with pytest.raises(ManifestError, match=message) as told:
        read_documents(text.encode(), is_json=False)
    assert "hunter2" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": hunter2', "line 1: is not JSON"),
        ('{"a": 1, "a": "hunter2"}', "a key is there twice"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": ' + "9" * 5000 + "}", "a number in it is malformed"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_bad_json(text, message):
    with pytest.raises(ManifestError, match=message) as told:
        read_documents(text.encode(), is_json=True)
    assert "hunter2" not in str(told.value)


def test_json_may_be_empty_or_one_document():
    assert read_documents(b" ", is_json=True) == []
    assert read_documents(b'{"a": [1]}', is_json=True) == [{"a": [1]}]


def test_bytes_that_are_no_text_are_told_by_their_line():
    with pytest.raises(ManifestError, match="line 2: is not UTF-8 text"):
        read_documents(b"a: 1\nb: \xff\n", is_json=False)


def test_a_giant_file_is_refused_unread():
    with pytest.raises(ManifestError, match="is larger than 4 MiB"):
        read_documents(b" " * (manifest_text.MAX_BYTES + 1), is_json=False)
