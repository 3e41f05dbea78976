"""
From the bytes of a body to a document, as far as a report has to be read.

The bytes stay what is stored and sent; the document is thrown away. orjson does nearly all of it. What
it refuses is tried with the standard library, which takes the bare ``NaN`` and ``Infinity`` that a
Skyvern server can emit.
"""

import json

import orjson

from hookgate_gateway.rules.report import Report, Unreadable, read_report

__all__ = ["parse_document", "read_body"]


def read_body(body: bytes) -> Report | Unreadable:
    """The report in a body, or why there is none."""
    document = parse_document(body)
    return document if isinstance(document, Unreadable) else read_report(document)


def parse_document(body: bytes) -> object | Unreadable:
    """The JSON document in a body. Never raises, whatever the bytes are."""
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_leniently(body)
    return document


def _parse_leniently(body: bytes) -> object | Unreadable:
    try:
        # Decoded here: json.loads would guess UTF-16 and UTF-32, which no receiver expects.
        document: object = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        return _not_json("the body is not UTF-8")
    except json.JSONDecodeError as error:
        return _not_json(f"the body is not JSON: {error.msg} at character {error.pos}")
    except ValueError:  # a whole number of thousands of digits, which Python refuses to convert
        return _not_json("the body holds a number that is too long")
    except RecursionError:
        return _not_json("the body is nested too deeply")
    return document


def _not_json(msg: str) -> Unreadable:
    return Unreadable(loc=(), msg=msg, type="json_invalid")
