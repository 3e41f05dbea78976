"""
The reports that the generator sends: one kilobyte, a run id of its own, the moment it was due.

The moment is read from the machine's monotonic clock, which all processes share, so that the receiver
can tell a delivery's age without a common wall clock.
"""

import re

SIZE = 1024

_HEAD = (
    b'{"run_id":"tsk_bench_%012d","sent_ns":"%019d","workflow_id":"wpid_%02d",'
    b'"run_type":"task_v2","status":"completed","output":{"product_name":"Laptop Pro 15",'
    b'"price":1299.99,"in_stock":true},"failure_reason":null,"errors":[],"step_count":12,'
    b'"created_at":"2026-03-01T10:00:00Z","modified_at":"2026-03-01T10:05:23Z","note":"'
)
_TAIL = b'"}'
_PADDING = SIZE - len(_HEAD % (0, 0, 0)) - len(_TAIL)
_TEMPLATE = _HEAD + b"x" * _PADDING + _TAIL
_SENT = re.compile(rb'"sent_ns":"(\d{19})"')


def report(number: int, sent_ns: int, workflow: int = 0) -> bytes:
    """A final report of run ``number``, due at ``sent_ns`` (monotonic nanoseconds)."""
    return _TEMPLATE % (number, sent_ns, workflow)


def sent_at(body: bytes) -> int | None:
    """The moment a report was due, or None when the body is not one of ours."""
    found = _SENT.search(body)
    return int(found[1]) if found else None
