"""What keeps an operator from starting is told in one line with the remedy: the real command."""

import socket
import subprocess
import sys

import pytest

from tests.acceptance.harness import free_port
from tests.cluster.planes import environment
from tests.receivers import Authority

TOKEN = "a-token-that-is-long-enough"
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: a-token}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


@pytest.fixture(name="refusal")
def _refusal(tmp_path):
    """Runs the command with settings; the exit code and the lines."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    usual = {
        "gateway_url": "http://127.0.0.1:1",
        "gateway_token_file": str(tmp_path / "token"),
        "lease_namespace": "hookgate",
        "metrics_listen": "127.0.0.1:0",
    }

    def run(*, kubeconfig=tmp_path / "kubeconfig", more=(), **settings):
        told = {k: v for k, v in {**usual, **settings}.items() if v is not None}
        ours = {f"HOOKGATE_OPERATOR_{name.upper()}": value for name, value in told.items()}
        done = subprocess.run(
            [sys.executable, "-m", "hookgate", "operator"],
            env=environment(KUBECONFIG=str(kubeconfig), HOME=str(tmp_path), **ours, **dict(more)),
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.stdout == ""
        assert TOKEN not in done.stderr
        return done.returncode, done.stderr.splitlines()

    return run


def one(lines):
    (line,) = lines
    assert line.startswith("hookgate operator: "), line
    return line.removeprefix("hookgate operator: ")


def test_each_setting_that_is_missing_gets_its_line(refusal):
    code, lines = refusal(gateway_url=None, gateway_token_file=None)
    assert code == 2
    assert [line.split(" is not set")[0] for line in lines] == [
        "hookgate operator: HOOKGATE_OPERATOR_GATEWAY_URL",
        "hookgate operator: HOOKGATE_OPERATOR_GATEWAY_TOKEN_FILE",
    ]


def test_plain_http_leaves_loopback_only_by_mistake(refusal):
    code, lines = refusal(gateway_url="http://hookgate.hookgate.svc:8081")
    assert code == 2
    assert "plain http is for loopback addresses only" in one(lines)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file or directory"), ("", "holds no token"), ("short", "fewer than 16")],
)
def test_a_token_file_that_cannot_be_used(refusal, tmp_path, content, told):
    if content is None:
        (tmp_path / "token").unlink()
    else:
        (tmp_path / "token").write_text(content)
    code, lines = refusal()
    assert code == 1
    assert one(lines).startswith(f"HOOKGATE_OPERATOR_GATEWAY_TOKEN_FILE: {tmp_path / 'token'}")
    assert told in one(lines)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file or directory"), ("no certificate", "no certificates in PEM")],
)
def test_a_ca_that_cannot_be_used(refusal, tmp_path, content, told):
    path = tmp_path / "ca.crt"
    if content is not None:
        path.write_text(content)
    code, lines = refusal(gateway_ca_file=str(path))
    assert code == 1
    assert one(lines).startswith(f"HOOKGATE_OPERATOR_GATEWAY_CA_FILE: {path}")
    assert told in one(lines)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "apiVersion: v1\nkind: Config\n"])
def test_without_a_cluster(refusal, tmp_path, content):
    path = tmp_path / "another"
    if content is not None:
        path.write_text(content)
    code, lines = refusal(kubeconfig=path)
    assert code == 1
    assert one(lines).startswith("the access to the cluster cannot be read")
    assert "set KUBECONFIG" in one(lines)


def test_as_a_pod_without_the_mount_of_its_service_account(refusal):
    here = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    code, lines = refusal(more=here)
    assert code == 1
    assert one(lines).startswith("the access to the cluster cannot be read")


def test_without_a_namespace_for_the_lease(refusal):
    code, lines = refusal(lease_namespace=None)
    assert code == 1
    assert one(lines).startswith("HOOKGATE_OPERATOR_LEASE_NAMESPACE is not set")
    assert "HOOKGATE_OPERATOR_LEADER_ELECTION=false" in one(lines)


def test_a_port_that_is_taken(refusal):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        code, lines = refusal(metrics_listen=f"127.0.0.1:{port}")
    assert code == 1
    assert one(lines).startswith(f"HOOKGATE_OPERATOR_METRICS_LISTEN=127.0.0.1:{port} cannot be")


def test_a_good_ca_is_no_reason(refusal, tmp_path):
    """The refusals above are of what they name: with a certificate in the file, the next thing is told."""
    path = tmp_path / "ca.crt"
    path.write_bytes(Authority().pem)
    code, lines = refusal(gateway_ca_file=str(path), lease_namespace=None)
    assert code == 1
    assert one(lines).startswith("HOOKGATE_OPERATOR_LEASE_NAMESPACE")
