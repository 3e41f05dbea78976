"""Manifest files that are nearly sound: taken or refused, and no line of a refusal repeats a value."""

import json

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from hookgate_gateway.catalogue.manifest_file import ManifestFile, read_file
from hookgate_gateway.catalogue.manifest_text import ManifestError
from tests.acceptance.manifests import api_key, source, subscription
from tests.fuzz.hostile import MARK, damaged, json_values

SECRET = MARK * 2
SOUND = [
    api_key("shop", SECRET),
    source("skyvern", SECRET),
    subscription(
        "hook", "https://a.example/", endpoint={"headers": [{"name": "x-a", "value": "b"}]}
    ),
]
splinters = st.sampled_from(
    [b"&a ", b"*a", b"<<: *a\n", b"? ", b"- ", b"| ", b"> ", b"---\n", b"...\n", b"!!python/name:os ", b"!!binary ", b"%TAG",
     b"\t", b"\n", b"'", b'"', b"{", b"}", b"[", b"]", b": ", b"# ", b"\x00", b"\xff", b"\xe2\x80\xa8", b"1e400", b".nan", b"0x", b"~"]
)  # fmt: skip
as_yaml = st.sampled_from([yaml.safe_dump(d, default_flow_style=flow).encode() for d in SOUND for flow in (False, True)])  # fmt: skip
as_json = st.sampled_from([json.dumps(d).encode() for d in SOUND])


def taken(data, *, is_json):
    """What a file declares; None when it is refused."""
    try:
        return read_file(data, is_json=is_json)
    except ManifestError as error:
        lines = error.lines
    assert lines
    named = MARK in _names(data)
    for line in lines:
        assert named or MARK not in line
        assert line.isprintable(), line
        assert len(line) < 2000
    return None


def _names(data):
    """Keys, names and namespaces in a file: what a refusal may repeat, to say where it is wrong."""
    try:
        documents = list(yaml.safe_load_all(data))
    except (yaml.YAMLError, ValueError, RecursionError):
        return ""
    found = [
        *(name for document in documents for way in paths(document) for name in way),
        *(
            d["metadata"].get(n)
            for d in documents
            if _has_metadata(d)
            for n in ("name", "namespace")
        ),
    ]
    return " ".join(text for text in found if isinstance(text, str))


def _has_metadata(document):
    return isinstance(document, dict) and isinstance(document.get("metadata"), dict)


@given(damaged(as_yaml, splinters))
@example(b"a: \xe2\x80\xa8")
def test_damaged_yaml(data):
    assert isinstance(taken(data, is_json=False), ManifestFile | None)


@given(damaged(as_json, splinters))
def test_damaged_json(data):
    for is_json in (True, False):
        assert isinstance(taken(data, is_json=is_json), ManifestFile | None)


def paths(value, path=()):
    """The way to each part of a document."""
    yield path
    parts = {dict: dict.items, list: enumerate}.get(type(value), lambda _: ())
    for name, part in parts(value):
        yield from paths(part, (*path, name))


@given(st.sampled_from(SOUND), st.data())
def test_any_part_may_be_anything(sound, data):
    document = json.loads(json.dumps(sound))
    *way, last = data.draw(st.sampled_from([p for p in paths(document) if p]))
    place = document
    for step in way:
        place = place[step]
    place[last] = data.draw(json_values(st.sampled_from(["name", "key", "secretKeyRef", "value"])))
    taken(json.dumps(document).encode(), is_json=True)


@given(st.text(alphabet=st.sampled_from("ab:-?|>&*!%@{}[],#'\"\\ \n\t~<1."), max_size=60))
def test_yaml_soup(text):
    taken(text.encode(), is_json=False)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "- " * 200_000,
        "{a: " * 200_000,
        "? " * 200_000,
        "a:\n" + "".join(" " * n + "b:\n" for n in range(1, 1500)),
        "&a [" * 3000,
        "[" + "*a," * 1000,
        "'" * 1_000_001,
        "- &a x\n" + "- *a\n" * 200_000,
        "x: !!binary " + "A" * 3_000_000,
        "#" * 4_000_000,
    ],
)
def test_megabytes_of_punctuation(text):
    taken(text.encode(), is_json=False)
