"""Frames: whatever pieces a stream comes in."""

from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.store.sqlite.frames import Decoder, encode

frames = st.lists(
    st.tuples(
        st.lists(st.integers(-(2**53), 2**53) | st.text(), max_size=5), st.binary(max_size=300)
    )
)


@given(frames, st.lists(st.integers(1, 200), min_size=1))
def test_a_stream_in_pieces_is_the_same_frames(sent, sizes):
    stream = b"".join(encode(header, (body[:7], body[7:])) for header, body in sent)
    decoder, received = Decoder(), []
    while stream:
        for size in sizes:
            piece, stream = stream[:size], stream[size:]
            received += [(header, bytes(body)) for header, body in decoder.feed(piece)]
    assert received == sent
