"""A receiver with nothing but the standard library and ``hookgate.signing``: python examples/receiver.py"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from hookgate.signing import SignatureError, verify

KEYS = [
    b"every-run-secret-for-your-laptop-only"
]  # the subscription's Secret; several while rotating


class Receiver(BaseHTTPRequestHandler):
    """Answers 200 to what is genuine, 401 to everything else."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            verify(body, self.headers, KEYS)  # the bytes as they came, before anything is parsed
        except SignatureError as error:
            self.answer(401, {"error": str(error)})
            return
        run = json.loads(body)
        event = self.headers["X-Hookgate-Event-Id"]  # the same over all retries and replays
        print(f"{event}: run {run['run_id']} is {run['status']}", flush=True)
        self.answer(200, {"status": "received"})

    def answer(self, status: int, content: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Quiet."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8090
    HTTPServer(("127.0.0.1", port), Receiver).serve_forever()
