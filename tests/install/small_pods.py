"""A small pod for the node's own tests: it tells over HTTP what it sees."""

from typing import Any

SEES = """
import grp, http.server, json, os, pathlib, signal, socket, sys, urllib.request, ssl

def text(path):
    return pathlib.Path(path).read_text()

def writable(folder):
    try:
        pathlib.Path(folder, "written").write_text("x")
        return True
    except OSError:
        return False

def stat(path):
    found = os.stat(path)
    return {"mode": oct(found.st_mode & 0o7777), "group": found.st_gid, "text": text(path)}

def server():
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    host = os.environ["KUBERNETES_SERVICE_HOST"] + ":" + os.environ["KUBERNETES_SERVICE_PORT"]
    request = urllib.request.Request(f"https://{host}/apis/authentication.k8s.io/v1/selfsubjectreviews",
        data=json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).encode(),
        headers={"Authorization": "Bearer " + text(account + "/token"), "Content-Type": "application/json"})
    tls = ssl.create_default_context(cafile=account + "/ca.crt")
    return json.load(urllib.request.urlopen(request, context=tls))["status"]["userInfo"]

def process():
    lines = dict(line.split(":", 1) for line in text("/proc/self/status").splitlines())
    return {name: lines[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs")}

def sees(path):
    if path == "/runs":
        return text("/claim/runs")
    if path == "/secret":
        return text("/secret/word")
    return {
        "environment": dict(os.environ), "arguments": sys.argv[1:], "user": os.getuid(), "group": os.getgid(),
        "groups": os.getgroups(), "process": process(), "pid": os.getpid(), "host": socket.gethostname(),
        "folder": os.getcwd(), "files": {path: stat(path) for path in ("/secret/word", "/about/labels/team")},
        "writable": {path: writable(path) for path in ("/", "/tmp", "/secret", "/empty", "/claim")},
        "account": server(), "resolved": socket.gethostbyname("kubernetes.default.svc"),
    }

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/ready" and os.path.exists("/claim/unready"):
            return self.send_error(503)
        body = json.dumps("" if self.path in ("/ready", "/alive") else sees(self.path)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        pathlib.Path("/claim" + self.path).write_text("")
        self.send_response(200)
        self.end_headers()

def leave(*_):
    with open("/claim/runs", "a") as runs:
        runs.write("left in order\\n")
    sys.exit(0)

signal.signal(signal.SIGTERM, leave)
with open("/claim/runs", "a") as runs:
    runs.write("started\\n")
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def claim() -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOncePod"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "kept"},
        "spec": spec,
    }


def seeing_pod(**more: Any) -> dict[str, Any]:
    """With a Secret `words` (key `word`), a claim `kept`, and no rights."""
    probe = {"port": "web"}
    container = {
        "name": "eyes",
        "image": "any",
        "command": ["python", "-c", SEES],
        "args": ["$(GREETING)", "$$(GREETING)", "$(NOBODY)"],
        "env": [
            {"name": "WHO", "valueFrom": {"secretKeyRef": {"name": "words", "key": "word"}}},
            {"name": "GREETING", "value": "hello $(WHO)"},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "ports": [{"name": "web", "containerPort": 8000}],
        "startupProbe": {"httpGet": {**probe, "path": "/alive"}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {**probe, "path": "/alive"}, "periodSeconds": 5},
        "readinessProbe": {
            "httpGet": {**probe, "path": "/ready"},
            "periodSeconds": 1,
            "failureThreshold": 1,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "secret", "mountPath": "/secret"},
            {"name": "about", "mountPath": "/about", "readOnly": True},
            {"name": "empty", "mountPath": "/empty"},
            {"name": "claim", "mountPath": "/claim"},
        ],
        "resources": {"limits": {"memory": "128Mi"}},
    }
    label = {"path": "labels/team", "fieldRef": {"fieldPath": "metadata.labels['team']"}}
    volumes = [
        {"name": "secret", "secret": {"secretName": "words", "defaultMode": 0o400}},
        {"name": "about", "projected": {"sources": [{"downwardAPI": {"items": [label]}}]}},
        {"name": "empty", "emptyDir": {}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "kept"}},
    ]
    spec = {
        "containers": [container],
        "volumes": volumes,
        "serviceAccountName": "default",  # set by an admission that the tests' server is without
        "terminationGracePeriodSeconds": 2,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "fsGroup": 65532},
        **more,
    }
    metadata = {"name": "seeing", "labels": {"team": "shop"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
