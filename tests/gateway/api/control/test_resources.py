"""Putting, looking at, listing and deleting what the operator declares."""

import asyncio
import hashlib
import json

import pytest

from tests.gateway.api.control.world import (
    OWNER,
    Control,
    api_key,
    encoded,
    put_body,
    source,
    subscription,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def fingerprint(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


class TestPut:
    async def test_a_subscription_is_answered_with_how_it_stands(
        self, control: Control, namespace: str
    ) -> None:
        told = await control.put(f"{namespace}/subscriptions/invoices", subscription(namespace))
        assert told == await control.get(f"namespaces/{namespace}/subscriptions/invoices")
        resource = told.pop("resource")
        assert resource["metadata"] == {"name": "invoices", "namespace": namespace}
        assert resource["spec"]["endpoint"] == {"url": "https://billing.shop.example/hook"}
        assert told.pop("revision") > 0
        assert told == {
            "kind": "subscription",
            "namespace": namespace,
            "name": "invoices",
            "owner": OWNER,
            "fingerprint": "f-1",
            "resolved": True,
            "reasons": [],
            "keys": [
                {"secret": "hook", "key": "secret", "fingerprint": fingerprint("signs-0123456789")}
            ],
            "endpoint": {"allowed": True, "message": None},
            "hold": None,
            "health": {
                "state": "unknown",
                "last_success_at": None,
                "last_failure": None,
                "consecutive_failures": 0,
                "breaker": "closed",
                "pending": None,
            },
        }

    async def test_the_same_once_more_makes_no_revision(
        self, control: Control, namespace: str
    ) -> None:
        path = f"{namespace}/subscriptions/invoices"
        first = await control.put(path, subscription(namespace))
        assert await control.put(path, subscription(namespace)) == first
        revision = control.world.catalogue.snapshot.revision
        for changed in (
            subscription(namespace) | {"fingerprint": "f-2"},
            subscription(namespace, suspend=True) | {"fingerprint": "f-2"},
            subscription(namespace, secret="another-0123", suspend=True) | {"fingerprint": "f-2"},
        ):
            revision += 1
            assert (await control.put(path, changed))["revision"] == revision

    async def test_an_api_key_logs_in_once_it_is_answered(
        self, control: Control, namespace: str
    ) -> None:
        body = api_key(namespace, "the-new-key-0123456789abc", api_key_previous="x" * 24)
        told = await control.put(f"{namespace}/api-keys/client", body)
        assert told["resolved"] is True
        assert told["keys"] == [
            {
                "secret": "client",
                "key": "api-key",
                "fingerprint": fingerprint("the-new-key-0123456789abc"),
            },
            {"secret": "client", "key": "api-key-previous", "fingerprint": fingerprint("x" * 24)},
        ]
        assert told["resource"]["kind"] == "Secret"
        assert "hold" not in told
        assert "knownSince" not in told["resource"]
        headers = {"x-api-key": "the-new-key-0123456789abc"}
        reply = await control.world.call("GET", "/v1/deliveries", headers=headers)
        assert reply.status == 200
        revision = (await control.put(f"{namespace}/api-keys/client", body))["revision"]
        assert revision == told["revision"]

    async def test_a_signing_secret_that_can_be_guessed_has_no_fingerprint(
        self, control: Control, namespace: str
    ) -> None:
        body = subscription(namespace, secret="4711")
        told = await control.put(f"{namespace}/subscriptions/invoices", body)
        assert told["resolved"] is True
        assert told["keys"] == [{"secret": "hook", "key": "secret", "fingerprint": "weak"}]
        listed = await control.get(f"namespaces/{namespace}/subscriptions")
        assert fingerprint("4711") not in json.dumps([told, listed])

    async def test_a_source_verifies_once_it_is_answered(
        self, control: Control, namespace: str
    ) -> None:
        told = await control.put(f"{namespace}/sources/skyvern", source(namespace))
        assert told["resolved"] is True
        assert told["keys"] == [
            {
                "secret": "secret-of-skyvern",
                "key": "key",
                "fingerprint": fingerprint("key-of-a-skyvern-server"),
            }
        ]
        reply = await control.world.call("POST", f"/v1/ingest/{namespace}/skyvern", json={})
        assert reply.status == 401

    async def test_every_event_afterwards_is_matched_with_it(
        self, control: Control, namespace: str
    ) -> None:
        tenant = await control.tenant(namespace)
        for number in range(20):
            body = subscription(namespace, f"sub-{number}", control.world.receiver.url("ok200/x"))
            await control.put(f"{namespace}/subscriptions/sub-{number}", body)
            assert (await tenant.report(f"tsk_{number}"))["deliveries"] == number + 1

    async def test_a_subscription_may_be_unresolved(self, control: Control, namespace: str) -> None:
        path = f"{namespace}/subscriptions/invoices"
        told = await control.put(path, subscription(namespace, secret=None))
        sentence = (
            f"spec.signing.secretRefs[0]: Secret {namespace}/hook, key secret: is not there;"
            " create it"
        )
        assert told["resolved"] is False
        assert told["reasons"] == [sentence]
        assert told["hold"]["reason"] == "Unresolved"
        assert told["endpoint"] == {"allowed": None, "message": None}
        assert told["keys"] == [{"secret": "hook", "key": "secret", "fingerprint": None}]
        told = await control.put(path, subscription(namespace))
        assert (told["resolved"], told["hold"]) == (True, None)

    async def test_what_a_hold_hides_is_told_all_the_same(
        self, control: Control, namespace: str
    ) -> None:
        path = f"{namespace}/subscriptions/invoices"
        told = await control.put(path, subscription(namespace, secret=None, suspend=True))
        assert told["hold"]["reason"] == "Suspended"
        assert len(told["reasons"]) == 1

    async def test_values_that_nothing_names_are_not_kept(
        self, control: Control, namespace: str
    ) -> None:
        body = subscription(namespace)
        body["secrets"]["other"] = encoded(secret="not-asked-for")
        body["secrets"]["configmap/ca"] = encoded(ca="not-asked-for")
        await control.put(f"{namespace}/subscriptions/invoices", body)
        (stored,) = [
            s for k, s in control.world.catalogue.stored.items() if k.namespace == namespace
        ]
        assert stored.secrets == {"hook": {"secret": b"signs-0123456789"}}

    async def test_values_are_bytes_and_come_from_config_maps_too(
        self, control: Control, namespace: str
    ) -> None:
        body = subscription(namespace, secret=bytes(range(256)))
        body["resource"]["spec"]["endpoint"]["tls"] = {
            "caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}
        }
        body["secrets"]["configmap/ca"] = {"ca.crt": encoded(x="-----BEGIN CERTIFICATE-----")["x"]}
        told = await control.put(f"{namespace}/subscriptions/invoices", body)
        assert told["reasons"] == []
        (stored,) = [
            s for k, s in control.world.catalogue.stored.items() if k.namespace == namespace
        ]
        assert stored.secrets["hook"] == {"secret": bytes(range(256))}

    async def test_a_key_known_in_another_namespace_is_told_of_its_own_secret_alone(
        self, control: Control, namespace: str
    ) -> None:
        other, value = control.namespace(), "shared-by-mistake-0123456789"
        await control.put(f"{other}/api-keys/client", api_key(other, value))
        told = await control.put(f"{namespace}/api-keys/client", api_key(namespace, value))
        assert told["resolved"] is False
        (reason,) = told["reasons"]
        assert reason.startswith(f"Secret {namespace}/client: key api-key is known elsewhere")
        assert (await control.get(f"namespaces/{other}/api-keys/client"))["reasons"] == []


REFUSED = [
    pytest.param({"owner": None}, ["body", "owner"], "valid string", id="no owner"),
    pytest.param({"owner": "manifests"}, ["body", "owner"], "choose another", id="the folder's"),
    pytest.param({"owner": "two\nlines"}, ["body", "owner"], "printable", id="unprintable owner"),
    pytest.param({"fingerprint": "x" * 513}, ["body", "fingerprint"], "512", id="long fingerprint"),
    pytest.param({"resource": []}, ["body", "resource"], "dictionary", id="resource is a list"),
    pytest.param(
        {"secrets": {"hook": {"secret": "*no base64*"}}},
        ["body", "secrets", "hook", "secret"],
        "is not base64",
        id="not base64",
    ),
    pytest.param(
        {"secrets": {"hook": {"secret": 7}}},
        ["body", "secrets", "hook", "secret"],
        "must be text",
        id="not text",
    ),
    pytest.param(
        {"secrets": {"no such/name": {}}},
        ["body", "secrets", "no such/name", "[key]"],
        "match pattern",
        id="secret's name",
    ),
]


class TestRefused:
    @pytest.mark.parametrize(("change", "loc", "words"), REFUSED)
    async def test_a_wrong_envelope(
        self, control: Control, namespace: str, change: dict, loc: list, words: str
    ) -> None:
        body = subscription(namespace) | change
        told = await control.put(f"{namespace}/subscriptions/invoices", body, 422)
        assert told["code"] == "validation_failed"
        assert [problem["loc"] for problem in told["detail"]] == [loc]
        assert words in told["detail"][0]["msg"]

    async def test_a_wrong_resource_is_told_in_the_words_of_manifests(
        self, control: Control, namespace: str
    ) -> None:
        body = subscription(namespace, delivery={"maxInFlight": 0}, sign={})
        told = await control.put(f"{namespace}/subscriptions/invoices", body, 422)
        where = ["body", "resource", "spec"]
        assert told["detail"] == [
            {
                "loc": [*where, "delivery", "maxInFlight"],
                "msg": "0 is not between 1 and 1024 requests",
                "type": "between",
            },
            {
                "loc": [*where, "sign"],
                "msg": "is not a known field; did you mean signing?",
                "type": "extra_forbidden",
            },
        ]

    @pytest.mark.parametrize(
        ("kind", "name", "make"),
        [("subscriptions", "other", subscription), ("sources", "other", source)],
    )
    async def test_another_name_than_the_paths(
        self, control: Control, namespace: str, kind: str, name: str, make
    ) -> None:
        told = await control.put(f"{namespace}/{kind}/{name}", make("elsewhere"), 422)
        assert {problem["type"] for problem in told["detail"]} == {"path_mismatch"}
        assert len(told["detail"]) == 2

    async def test_a_secret_with_its_values_inside(self, control: Control, namespace: str) -> None:
        body = api_key(namespace, "k" * 24)
        body["resource"]["data"] = {"api-key": "a2V5"}
        told = await control.put(f"{namespace}/api-keys/client", body, 422)
        assert told["detail"][0]["loc"] == ["body", "resource", "data"]

    async def test_a_key_that_is_too_short_leaves_the_one_before(
        self, control: Control, namespace: str
    ) -> None:
        tenant = await control.tenant(namespace)
        told = await control.put(f"{namespace}/api-keys/client", api_key(namespace, "short"), 422)
        assert told["detail"][0]["loc"] == ["body", "secrets", "client"]
        assert "shorter than 24 characters" in told["detail"][0]["msg"]
        assert (await tenant.get("/v1/deliveries"))["items"] == []

    async def test_a_source_key_that_can_be_guessed_leaves_the_one_before(
        self, control: Control, namespace: str
    ) -> None:
        before = await control.put(f"{namespace}/sources/skyvern", source(namespace))
        told = await control.put(f"{namespace}/sources/skyvern", source(namespace, key="x"), 422)
        assert told["detail"][0]["loc"] == ["body", "secrets", "secret-of-skyvern"]
        assert "shorter than 16 bytes" in told["detail"][0]["msg"]
        assert (await control.get(f"namespaces/{namespace}/sources/skyvern"))["keys"] == before[
            "keys"
        ]

    @pytest.mark.parametrize("label", [{}, {"hookgate.dev/source": "no name!"}])
    async def test_a_source_that_its_label_does_not_name(
        self, control: Control, namespace: str, label: dict
    ) -> None:
        body = source(namespace)
        body["resource"]["metadata"]["labels"] = label
        told = await control.put(f"{namespace}/sources/skyvern", body, 422)
        assert told["detail"][0]["loc"] == ["body", "resource", "metadata", "labels"]

    @pytest.mark.parametrize(
        ("data", "kind", "status", "code"),
        [
            (b"{", "application/json", 400, "invalid_json"),
            (b'{"owner": "\\ud800"}', "application/json", 400, "invalid_json"),
            (b'{"fingerprint": NaN}', "application/json", 400, "invalid_json"),
            (b"[]", "application/json", 422, "validation_failed"),
            (b"{}", "text/plain", 415, "unsupported_media_type"),
            (b" " * (4 * 1024 * 1024 + 1), "application/json", 413, "body_too_large"),
        ],
    )
    async def test_a_body_that_cannot_be_read(
        self, control: Control, data: bytes, kind: str, status: int, code: str
    ) -> None:
        path = "/control/v1/namespaces/shop/subscriptions/invoices"

        async def chunks():
            yield data

        reply = await control.call("PUT", path, data=chunks(), headers={"Content-Type": kind})
        assert (reply.status, reply.code) == (status, code)

    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/control/v1/namespaces/shop/subscriptions/nobody", 404, "not_found"),
            ("GET", "/control/v1/namespaces/shop/secrets", 404, "no_such_route"),
            ("POST", "/control/v1/resources", 405, "method_not_allowed"),
            ("GET", "/control/v1/resources?kind=secrets", 422, "validation_failed"),
            ("GET", "/control/v1/resources?limit=201", 422, "validation_failed"),
            ("DELETE", "/control/v1/namespaces/shop/sources/x", 422, "validation_failed"),
            ("GET", "/control/v1/health?timeout=61", 422, "validation_failed"),
            ("GET", "/v1/version", 404, "no_such_route"),
        ],
    )
    async def test_other_errors(
        self, control: Control, method: str, path: str, status: int, code: str
    ) -> None:
        reply = await control.call(method, path)
        assert (reply.status, reply.code) == (status, code)


class TestOwners:
    async def test_another_owner_gets_409(self, control: Control, namespace: str) -> None:
        path = f"{namespace}/subscriptions/invoices"
        await control.put(path, subscription(namespace))
        told = await control.put(path, subscription(namespace) | {"owner": "another"}, 409)
        assert told["code"] == "owned_by_another"
        reply = await control.delete(path, "another", 409)
        assert reply.code == "owned_by_another"
        assert (await control.get(f"namespaces/{path}"))["owner"] == OWNER

    async def test_manifests_and_the_operator_live_side_by_side(
        self, control: Control, namespace: str
    ) -> None:
        tenant = await control.tenant(namespace)
        await tenant.subscribe("from-manifests", "https://billing.shop.example/hook")
        await control.put(f"{namespace}/subscriptions/invoices", subscription(namespace))
        path = f"{namespace}/subscriptions/from-manifests"
        await control.put(path, subscription(namespace, "from-manifests"), 409)
        owned = await control.get(f"resources?namespace={namespace}&kind=subscriptions")
        assert {item["name"]: item["owner"] for item in owned["items"]} == {
            "from-manifests": "manifests",
            "invoices": OWNER,
        }


class TestDelete:
    async def test_it_is_gone_at_once_and_need_not_have_been_there(
        self, control: Control, namespace: str
    ) -> None:
        tenant = await control.tenant(namespace)
        for path, body in (
            ("subscriptions/invoices", subscription(namespace)),
            ("sources/skyvern", source(namespace)),
        ):
            await control.put(f"{namespace}/{path}", body)
            for _ in range(2):
                reply = await control.delete(f"{namespace}/{path}")
                assert reply.body == b""
            await control.get(f"namespaces/{namespace}/{path}", 404)
        assert (await tenant.call("GET", "/v1/subscriptions/invoices")).status == 404
        assert (await tenant.report("tsk_1"))["deliveries"] == 0
        await control.delete(f"{namespace}/api-keys/client")
        assert (await tenant.call("GET", "/v1/subscriptions")).status == 403

    async def test_made_again_by_anybody_it_is_theirs(
        self, control: Control, namespace: str
    ) -> None:
        path = f"{namespace}/subscriptions/invoices"
        first = await control.put(path, subscription(namespace))
        await control.delete(path)
        again = await control.put(path, subscription(namespace) | {"owner": "another"})
        assert again["owner"] == "another"
        assert again["revision"] > first["revision"]


class TestLists:
    async def test_page_by_page_in_order(self, control: Control, namespace: str) -> None:
        for name in ("c", "a", "b"):
            await control.put(f"{namespace}/subscriptions/{name}", subscription(namespace, name))
        await control.put(f"{namespace}/sources/skyvern", source(namespace))
        await control.put(f"{namespace}/subscriptions/d", subscription(namespace, "d"))
        await control.delete(f"{namespace}/subscriptions/d")
        path = f"namespaces/{namespace}/subscriptions?limit=2"
        page = await control.get(path)
        assert [item["name"] for item in page["items"]] == ["a", "b"]
        rest = await control.get(f"{path}&cursor={page['next_cursor']}")
        assert [item["name"] for item in rest["items"]] == ["c"]
        assert rest["next_cursor"] is None
        everything = await control.get(f"resources?namespace={namespace}")
        assert [item["name"] for item in everything["items"]] == ["skyvern", "a", "b", "c"]
        assert "resource" not in everything["items"][1]
        assert everything["items"][1]["health"]["state"] == "unknown"
        assert everything["items"][1]["fingerprint"] == "f-1"

    async def test_of_one_owner_across_namespaces(self, control: Control) -> None:
        mine, owner = (control.namespace(), control.namespace()), "somebody-else"
        for namespace in mine:
            body = subscription(namespace) | {"owner": owner}
            await control.put(f"{namespace}/subscriptions/invoices", body)
        found = await control.get(f"resources?owner={owner}")
        assert [item["namespace"] for item in found["items"]] == sorted(mine)


async def test_puts_at_the_same_time_are_all_kept(control: Control, namespace: str) -> None:
    names = [f"sub-{number}" for number in range(40)]
    await asyncio.gather(
        *(control.put(f"{namespace}/subscriptions/{n}", subscription(namespace, n)) for n in names)
    )
    found = await control.get(f"namespaces/{namespace}/subscriptions")
    assert [item["name"] for item in found["items"]] == sorted(names)


SECRETS = {
    "signing": "signing-secret-zq81",
    "header": "header-secret-zq82",
    "literal": "literal-header-zq83",
    "url": "path-of-the-url-zq84",
    "key": "api-key-zq85-0123456789abcdef",
    "source": "source-key-of-a-server-zq86",
}


async def test_no_answer_and_no_log_line_holds_a_secret(
    control: Control, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body = subscription(namespace, secret=SECRETS["signing"])
    body["resource"]["spec"]["endpoint"] = {
        "urlFrom": {"secretKeyRef": {"name": "hook", "key": "url"}},
        "headers": [
            {"name": "x-literal", "value": SECRETS["literal"]},
            {"name": "x-secret", "valueFrom": {"secretKeyRef": {"name": "hook", "key": "header"}}},
        ],
    }
    values = {"url": f"https://10.0.0.1/{SECRETS['url']}", "header": SECRETS["header"]}
    body["secrets"]["hook"] |= encoded(**values)
    broken = json.loads(json.dumps(body))
    broken["resource"]["spec"]["endpoint"]["headers"][0]["name"] = SECRETS["literal"].upper()
    broken["secrets"]["hook"]["secret"] = "signing-secret-zq81!"
    answers = [
        await control.put(f"{namespace}/subscriptions/invoices", body),
        await control.put(f"{namespace}/subscriptions/invoices", broken, 422),
        await control.put(f"{namespace}/api-keys/client", api_key(namespace, SECRETS["key"])),
        await control.put(f"{namespace}/sources/skyvern", source(namespace, key=SECRETS["source"])),
        await control.put(f"{namespace}/subscriptions/bad", put_body(body, body["secrets"]), 422),
        await control.get(f"namespaces/{namespace}/subscriptions/invoices"),
        await control.get(f"namespaces/{namespace}/api-keys/client"),
        await control.get(f"namespaces/{namespace}/subscriptions"),
        await control.get("resources"),
        await control.get("health"),
    ]
    seen = json.dumps(answers) + "".join(capsys.readouterr())
    for name, value in SECRETS.items():
        assert value not in seen, name
        assert encoded(x=value)["x"] not in seen, name
