"""Frames between gateway and writer that were damaged: refused, or read the same however they are cut."""

from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.store.sqlite.frames import Decoder, encode
from tests.fuzz.hostile import damaged, pieces

frames = st.builds(
    encode,
    st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=9) | st.integers(-(2**63), 2**64 - 1), max_size=4),
    st.lists(st.binary(max_size=40), max_size=3),
)  # fmt: skip
splinters = st.sampled_from(
    [b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"[]", b"\x00\x00\x00\x02", b"{"]
)
streams = damaged(st.lists(frames, max_size=4).map(b"".join), splinters)


def read(data):
    """The frames of a stream, and whether it ended in something that is none."""
    decoder, found = Decoder(), []
    for piece in data:
        try:
            found += [(header, bytes(bodies)) for header, bodies in decoder.feed(piece)]
        except ValueError:
            return found, True
    return found, False


@given(streams, st.data())
def test_a_damaged_stream_is_read_or_refused(stream, data):
    _, refused = read([stream])
    _, refused_in_pieces = read(data.draw(pieces(stream)))
    assert refused == refused_in_pieces


@given(streams)
def test_what_was_read_byte_by_byte_is_what_was_there(stream):
    found, refused = read([stream[at : at + 1] for at in range(len(stream))])
    if not refused:
        assert found == read([stream])[0]
