"""Who speaks to an API server, and plain requests in that name."""

import http.client
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

REQUEST_TIMEOUT_SECONDS = 30.0
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An API server's answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status < 300

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Access:
    """One identity at one address."""

    url: str
    ca_file: Path
    token: str = field(repr=False)

    def kubeconfig(self, path: Path, namespace: str = "default") -> Path:
        """Write a kubeconfig of this identity to `path`."""
        name = "hookgate-tests"
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        context = {"cluster": name, "user": name, "namespace": namespace}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": self.token}}],
            "contexts": [{"name": name, "context": context}],
            "current-context": name,
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Answer:
        """One request, blocking. OSError or HTTPException when there is no whole answer."""
        address = urlsplit(self.url)
        assert address.hostname is not None
        connection = http.client.HTTPSConnection(
            address.hostname,
            address.port or 443,
            timeout=REQUEST_TIMEOUT_SECONDS,
            context=ssl.create_default_context(cafile=str(self.ca_file)),
        )
        headers = {"Authorization": f"Bearer {self.token}", "User-Agent": "hookgate-tests"}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, address.path.rstrip("/") + path, data, headers)
            with connection.getresponse() as answer:
                found = {name.lower(): value for name, value in answer.getheaders()}
                return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def must(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Any:
        """The object that a request answers; fails unless its status is 2xx."""
        answer = self.request(method, path, body, content_type=content_type)
        assert answer.ok, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        return answer.json()
