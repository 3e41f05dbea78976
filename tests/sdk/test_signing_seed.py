"""
What we send passes the verifying function of the guide, run as it stands there.

The guide's text lost its indentation. ``guide.txt`` holds its lines unchanged, and their indentation is
put back here.
"""

import hashlib
import hmac
import time
from pathlib import Path

import pytest

from hookgate.signing import SigningScheme, generate_skyvern_webhook_signature, sign, verify

GUIDE = Path(__file__).with_name("guide.txt")
FIRST = "async def verify_webhook_signature("
LAST = 'return f"sha256={signature}"'
INDENTATION = "0111011111211223121111221112111" + "01122211"
"""Steps for each line from FIRST to LAST: the verifying function, then the signing one."""

KEY = "the-shops-api-key"
BODY = '{"run_id": "tsk_1", "run_type": "task_v2", "status": "completed", "output": {"ö": 1.5}}'


class HTTPException(Exception):
    """The little of FastAPI's that the guide's code uses."""

    def __init__(self, status_code, detail):
        super().__init__(detail)
        self.status_code = status_code
        self.detail = detail


class Headers(dict):
    """Looked up in any letter case."""

    def get(self, name):
        return next((v for n, v in self.items() if n.lower() == name.lower()), None)


class Request:
    """The little of FastAPI's that the guide's code uses."""

    def __init__(self, headers, body):
        self.headers = Headers(headers)
        self._body = body

    async def body(self):
        return self._body


@pytest.fixture(scope="module")
def guide():
    """The names that the guide's code defines."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    start = lines.index(FIRST)
    taken = lines[start : lines.index(LAST, start) + 1]
    assert len(taken) == len(INDENTATION)
    indented = ["    " * int(steps) + line for steps, line in zip(INDENTATION, taken, strict=True)]
    names = {
        "hmac": hmac,
        "hashlib": hashlib,
        "time": time,
        "Request": Request,
        "HTTPException": HTTPException,
    }
    exec(compile("\n".join(indented), str(GUIDE), "exec"), names)  # the point of this test
    return names


def test_both_make_the_same_signature(guide):
    theirs = guide["generate_skyvern_webhook_signature"](BODY, KEY)
    assert generate_skyvern_webhook_signature(BODY, KEY) == theirs


async def test_the_guides_receiver_verifies_what_we_send(guide):
    headers = sign(
        SigningScheme.SKYVERN,
        [KEY.encode(), b"a second key"],
        BODY.encode(),
        event_id="evt_1",
        timestamp=int(time.time()),  # noqa: TID251  # the guide's code reads the clock itself
    )
    payload = await guide["verify_webhook_signature"](Request(headers, BODY.encode()), KEY)
    assert payload["output"] == {"ö": 1.5}


@pytest.mark.parametrize(
    ("age", "key", "detail"),
    [(0, "another key", "Invalid signature"), (301, KEY, "too old"), (-302, KEY, "too old")],
)
async def test_the_guides_receiver_refuses_what_it_should(guide, age, key, detail):
    headers = sign(
        SigningScheme.SKYVERN,
        [key.encode()],
        BODY.encode(),
        event_id="evt_1",
        timestamp=int(time.time()) - age,  # noqa: TID251  # the guide's code reads the clock itself
    )
    with pytest.raises(HTTPException, match=detail):
        await guide["verify_webhook_signature"](Request(headers, BODY.encode()), KEY)


async def test_we_verify_what_the_guides_code_signs(guide):
    signature = guide["generate_skyvern_webhook_signature"](BODY, KEY)
    headers = {"X-Skyvern-Signature": signature, "X-Skyvern-Timestamp": "1709294400"}
    verify(BODY, headers, [KEY], now=1_709_294_400)
