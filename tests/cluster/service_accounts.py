"""ServiceAccounts with exactly the rights a test gives them, and real tokens for them."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.cluster.access import Access

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
TOKEN_SECONDS = 3600
LEEWAY_SECONDS = 60  # by which the server forgives clocks that differ
IN_FORCE_WITHIN = 30.0
POLL_SECONDS = 0.02
Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """One ServiceAccount: who it is, and how it speaks to the server."""

    name: str
    namespace: str
    uid: str
    access: Access
    kubeconfig: Path
    signing_key: Path | None

    def short_access(self, seconds: float) -> Access:
        """A token that ends this soon, where TokenRequest gives ten minutes at least: signed with the
        server's own key. A server that has just seen it may take it for ten seconds more.
        """
        if self.signing_key is None:
            pytest.skip("only a control plane of the tests' own signs with a key they know")
        now = int(time.time())  # noqa: TID251 the server's clock, not the product's
        claims = {
            "iss": self.access.url,
            "aud": [self.access.url],
            "sub": f"system:serviceaccount:{self.namespace}:{self.name}",
            "iat": now - 2 * LEEWAY_SECONDS,
            "nbf": now - 2 * LEEWAY_SECONDS,
            "exp": now + int(seconds) - LEEWAY_SECONDS,
            "kubernetes.io": {
                "namespace": self.namespace,
                "serviceaccount": {"name": self.name, "uid": self.uid},
            },
        }
        key_id = json.loads(_decoded(self.access.token.split(".")[0]))["kid"]
        return replace(self.access, token=_signed(claims, key_id, self.signing_key.read_bytes()))


@dataclass(slots=True)
class ServiceAccounts:
    """Makes them in one namespace; `close` takes away what does not go with the namespace."""

    admin: Access
    namespace: str
    home: Path
    signing_key: Path | None
    _cluster_wide: list[str]

    def __call__(
        self,
        name: str = "operator",
        *,
        rules: Sequence[Rule] = (),
        cluster_rules: Sequence[Rule] = (),
    ) -> ServiceAccount:
        """One bound to a Role of `rules` here and to a ClusterRole of `cluster_rules`, both in force."""
        accounts = f"/api/v1/namespaces/{self.namespace}/serviceaccounts"
        made = self.admin.must("POST", accounts, {"metadata": {"name": name}})
        if rules:
            self.bind(name, rules, self.namespace)
        if cluster_rules:
            unique = f"{self.namespace}-{name}"
            self._bind(RBAC, "ClusterRole", unique, name, cluster_rules)
            self._cluster_wide += [
                f"{RBAC}/clusterrolebindings/{unique}",
                f"{RBAC}/clusterroles/{unique}",
            ]
            self._await_in_force(name, cluster_rules[0], "")
        access = replace(self.admin, token=token_of(self.admin, self.namespace, name))
        kubeconfig = access.kubeconfig(self.home / f"kubeconfig-{name}", self.namespace)
        uid = str(made["metadata"]["uid"])
        return ServiceAccount(name, self.namespace, uid, access, kubeconfig, self.signing_key)

    def bind(self, account: str, rules: Sequence[Rule], namespace: str) -> None:
        """Give one of ours a Role of `rules` in a namespace, in force."""
        self._bind(f"{RBAC}/namespaces/{namespace}", "Role", account, account, rules)
        self._await_in_force(account, rules[0], namespace)

    def close(self) -> None:
        for path in self._cluster_wide:
            self.admin.request("DELETE", path)

    def _bind(self, base: str, kind: str, role: str, account: str, rules: Sequence[Rule]) -> None:
        self.admin.must(
            "POST", f"{base}/{kind.lower()}s", {"metadata": {"name": role}, "rules": list(rules)}
        )
        subject = {"kind": "ServiceAccount", "name": account, "namespace": self.namespace}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
        binding = {"metadata": {"name": role}, "subjects": [subject], "roleRef": reference}
        self.admin.must("POST", f"{base}/{kind.lower()}bindings", binding)

    def _await_in_force(self, account: str, rule: Rule, namespace: str) -> None:
        """The server judges by what its own watches told it of roles and bindings, a moment later."""
        resource, _, subresource = rule["resources"][0].partition("/")
        asked = {
            "namespace": namespace,
            "group": rule["apiGroups"][0],
            "resource": resource,
            "subresource": subresource,
            "verb": rule["verbs"][0],
            "name": rule.get("resourceNames", [""])[0],
        }
        user = f"system:serviceaccount:{self.namespace}:{account}"
        review = {"spec": {"user": user, "resourceAttributes": asked}}
        deadline = time.monotonic() + IN_FORCE_WITHIN
        while not self.admin.must("POST", REVIEWS, review)["status"]["allowed"]:
            assert time.monotonic() < deadline, f"not in force after {IN_FORCE_WITHIN} s: {asked}"
            time.sleep(POLL_SECONDS)


def token_of(admin: Access, namespace: str, name: str, seconds: int = TOKEN_SECONDS) -> str:
    """A token of TokenRequest, of ten minutes or more."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    asked = {"spec": {"expirationSeconds": seconds}}
    return str(admin.must("POST", path, asked)["status"]["token"])


def _signed(claims: dict[str, Any], key_id: str, pem: bytes) -> str:
    """A JWT by ES256 (RFC 7518 §3.4: the signature is r and s, 32 bytes each)."""
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    header = {"alg": "ES256", "kid": key_id}
    signed = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return (signed + b"." + _encoded(r.to_bytes(32) + s.to_bytes(32))).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
