"""Strategies: JSON of any shape, sound bytes with something wrong in them, bytes in pieces."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

MARK = "zq-mark-of-a-value"
"""Stands where a secret would; no error may repeat it."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [MARK, "", "\x00", "\ud800", "\u202e", "9" * 600, "null", "http://a.example/"]
    )
)


def json_values(keys: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Any]:
    """Any JSON document; ``keys`` are tried as names beside arbitrary ones."""
    names = st.text(max_size=8) if keys is None else keys | st.text(max_size=8)
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=12,
    )


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """A document that is nothing but deep."""
    return opening * depth + "1" + closing * depth


@st.composite
def damaged(draw: st.DrawFn, sound: st.SearchStrategy[bytes], splinters: st.SearchStrategy[bytes]) -> bytes:  # fmt: skip
    """Sound bytes in which some places were cut out, doubled or replaced by splinters."""
    data = draw(sound)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        cut = data[start:end]
        put = draw(st.just(b"") | st.just(cut * 2) | splinters | st.binary(max_size=6))
        data = data[:start] + put + data[end:]
    return data


def damaged_json(documents: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """The bytes of JSON documents with something wrong in them."""
    splinters = [
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\xff",
        b"\\",
        b"/*",
        b"null",
        b"NaN",
        b"-Infinity",
    ]
    splinters += [b"1e999", b"9" * 40, b"\\ud800", b"\\u0000", b"\xef\xbb\xbf", b'"run_id":']
    sound = documents.map(lambda document: json.dumps(document).encode())
    return damaged(sound, st.sampled_from(splinters))


@st.composite
def pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes cut somewhere."""
    places = draw(st.lists(st.integers(0, len(data)), max_size=8))
    return [data[a:b] for a, b in pairwise(sorted({0, len(data), *places}))]
