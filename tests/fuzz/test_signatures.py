"""Headers of a webhook that comes in: believed only with the one signature, whatever is around it."""

from hypothesis import given
from hypothesis import strategies as st

from hookgate.signing import SignatureError, SigningScheme, sign, verify
from hookgate_gateway.contract import Source
from hookgate_gateway.intake.ingest import LOOP, UNVERIFIED, judge
from hookgate_gateway.rules.delivery import Namespace
from tests.fuzz.hostile import damaged

NOW = 1_700_000_000
KEY = b"the-sources-key-0123456789"
SOURCE = Source(namespace=Namespace("shop"), name="skyvern", keys=(KEY,), tolerance=300.0)
BODY = b'{"run_id": "tsk_1", "status": "completed"}'

schemes = st.sampled_from([SigningScheme.SKYVERN, SigningScheme.SKYVERN_HEX])
splinters = st.sampled_from(
    [b"sha256=", b"SHA256=", b" ", b",", b"v1,", b"\xc3\xa9", b"0", b"=", b"\x00"]
)


def signed(scheme, body=BODY):
    return sign(scheme, [KEY], body, event_id="evt_1", timestamp=NOW)


def judged(headers, body=BODY):
    return judge(SOURCE, headers, body, decoy=b"decoy", now=NOW)


@given(schemes, st.dictionaries(st.text(max_size=12), st.text(max_size=12)))
def test_other_headers_do_not_matter(scheme, rest):
    headers = {**rest, **signed(scheme)}
    ours = [n for n in rest if n.lower().startswith(("x-skyvern", "x-hookgate"))]
    assert ours or judged(headers) is None


@given(schemes, st.data())
def test_a_damaged_signature_is_another_one(scheme, data):
    headers = signed(scheme)
    sound = headers["X-Skyvern-Signature"]
    text = data.draw(damaged(st.just(sound.encode()), splinters)).decode("utf-8", "surrogateescape")
    verdict = judged({**headers, "X-Skyvern-Signature": text})
    genuine = text.removeprefix("sha256=") == sound.removeprefix("sha256=")
    assert verdict == (None if genuine else UNVERIFIED)


@given(
    schemes,
    damaged(st.just(str(NOW).encode()), st.sampled_from([b"-", b".", b"_", b"\xd9\xa3", b"e9"])),
)
def test_a_damaged_timestamp_is_a_time_or_no_time(scheme, damage):
    text = damage.decode("utf-8", "surrogateescape")
    verdict = judged({**signed(scheme), "X-Skyvern-Timestamp": text})
    fresh = text.isascii() and text.isdecimal() and len(text) <= 15 and abs(int(text) - NOW) <= 300
    assert verdict == (None if fresh else UNVERIFIED)


@given(st.sampled_from(["x-hookgate-delivery-id", "X-HOOKGATE-Delivery-Id"]), st.text(max_size=10))
def test_our_own_delivery_is_known_before_anything_else(name, value):
    assert judged({name: value, **signed(SigningScheme.SKYVERN)}) == LOOP


standard = sign(SigningScheme.STANDARD_WEBHOOKS, [KEY], BODY, event_id="evt_1", timestamp=NOW)


@given(st.sampled_from(sorted(standard)), st.data())
def test_a_damaged_standard_webhook_is_refused(name, data):
    text = data.draw(damaged(st.just(standard[name].encode()), splinters)).decode(
        "utf-8", "surrogateescape"
    )
    claims = text.split(" ") if name == "webhook-signature" else []
    genuine = text == standard[name] or standard["webhook-signature"] in claims
    try:
        verify(BODY, {**standard, name: text}, [KEY], now=NOW)
    except SignatureError:
        assert not genuine
    else:
        assert genuine
