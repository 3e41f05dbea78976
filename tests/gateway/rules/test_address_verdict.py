"""Rules as they are written, URLs as they come, and the verdict that joins them."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.address import AddressClass, facets
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.destination import (
    BadUrl,
    Destination,
    judge_address,
    read_url,
)
from hookgate_gateway.rules.egress_rules import EgressRules, Rule, RuleError, parse_rule, protect
from tests.gateway.rules.verdicts import judged

SHOP = Namespace("shop")
OTHER = Namespace("other")
NONE = EgressRules()


def verdict(url: str, allow: str = "", namespace: Namespace = SHOP) -> str:
    """``ok``, or what is refused: ``url``, ``port`` or the class of the address."""
    found = judged(url, namespace, EgressRules.parse(allow))
    if isinstance(found, BadUrl):
        return "url"
    return "ok" if isinstance(found, Destination) else str(found.kind or "port")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", "network=IPv4Network('10.0.0.0/8')"),
        ("10.0.0.1", "network=IPv4Network('10.0.0.1/32')"),
        ("10.0.0.1:25", "port=25"),
        ("shop/10.0.0.0/8:8443", "namespace='shop'"),
        ("fd00::/8", "network=IPv6Network('fd00::/8')"),
        ("[fd00::/8]:25", "port=25"),
        ("[fd00::1]", "network=IPv6Network('fd00::1/128')"),
        ("shop/[fd00::1]:25", "network=IPv6Network('fd00::1/128')"),
        ("billing.internal", "host='billing.internal'"),
        ("Billing.Internal.:25", "host='billing.internal'"),
        ("shop/*.svc.cluster.local", "suffix='.svc.cluster.local'"),
        ("bücher.example", "host='xn--bcher-kva.example'"),
        ("64:ff9b:1::/48", "network=IPv6Network('64:ff9b:1::/48')"),
    ],
)
def test_rules_are_read(text: str, expected: str) -> None:
    assert expected in repr(parse_rule(text))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("10.0.0.0/33", "not a network"),
        ("10/8", "write the address"),
        ("127.1", "write the address as 127.0.0.1"),
        ("*", "not a valid name"),
        ("*.", "not a valid name"),
        ("*.0.0.1", "write the address"),
        ("a.*.b", "not a valid name"),
        ("shop/", "not a valid name"),
        ("Shop_1/a.example", "neither a namespace nor an address"),
        ("a.example:0", "between 1 and 65535"),
        ("a.example:65536", "between 1 and 65535"),
        ("a.example:http", "brackets"),
        ("http://a.example", "neither a namespace nor an address"),
        ("::ffff:10.0.0.0/104", "write that network"),
        ("64:ff9b::7f00:1", "write that network"),
    ],
)
def test_a_bad_rule_is_named_in_one_line(text: str, hint: str) -> None:
    with pytest.raises(RuleError) as caught:
        EgressRules.parse(f"good.example, {text}")
    message = str(caught.value)
    assert repr(text) in message
    assert hint in message
    assert "\n" not in message


def test_rules_are_separated_by_commas_or_white_space() -> None:
    assert len(EgressRules.parse(" a.example,b.example\n c.example ,, ").allow) == 3
    assert EgressRules.parse("") == NONE


@pytest.mark.parametrize(
    ("url", "allow", "expected"),
    [
        # without a rule
        ("https://93.184.215.14/hook", "", "ok"),
        ("http://[2606:4700::1111]/", "", "ok"),
        ("https://a.example/hook", "", "ok"),
        ("http://127.0.0.1/", "", "loopback"),
        ("http://[::1]/", "", "loopback"),
        ("http://10.0.0.1/", "", "private"),
        ("http://169.254.169.254/latest/meta-data", "", "cloud metadata"),
        ("http://[::ffff:169.254.169.254]/", "", "cloud metadata"),
        ("http://[64:ff9b::a9fe:a9fe]/", "", "cloud metadata"),
        ("http://[2002:a9fe:a9fe::]/", "", "cloud metadata"),
        ("http://2852039166/", "", "cloud metadata"),
        ("http://0/", "", "unspecified"),
        # ports
        ("http://93.184.215.14:1024/", "", "ok"),
        ("http://93.184.215.14:1023/", "", "port"),
        ("http://93.184.215.14:22/", "", "port"),
        ("http://93.184.215.14:443/", "", "ok"),
        ("http://93.184.215.14:22/", "93.184.215.14:22", "ok"),
        ("http://93.184.215.14:22/", "93.184.215.14", "port"),
        ("http://93.184.215.14:22/", "93.184.215.15:22", "port"),
        ("http://93.184.215.14:22/", "a.example:22", "port"),
        ("http://a.example:22/", "", "port"),
        ("http://a.example:22/", "other/a.example:22", "port"),
        ("http://a.example:22/", "a.example:22", "ok"),
        # a CIDR opens its own addresses, in either tier
        ("http://127.0.0.1/", "127.0.0.0/8", "ok"),
        ("http://127.0.0.1/", "127.0.0.2", "loopback"),
        ("http://[::1]/", "127.0.0.0/8", "loopback"),
        ("http://[::1]/", "::1", "ok"),
        ("http://10.0.0.1/", "10.0.0.0/8", "ok"),
        ("http://10.0.0.1:8443/", "10.0.0.0/8:8443", "ok"),
        ("http://10.0.0.1/", "10.0.0.0/8:8443", "private"),
        ("http://[::ffff:10.0.0.1]/", "10.0.0.0/8", "ok"),
        ("http://[64:ff9b:1::a00:1]/", "10.0.0.0/8", "special-purpose"),
        ("http://[64:ff9b:1::a00:1]/", "10.0.0.0/8 64:ff9b:1::/48", "ok"),
        ("http://[64:ff9b:1::7f00:1]/", "64:ff9b:1::/48", "loopback"),
        # host rules do not open literals
        ("http://10.0.0.1/", "*.example", "private"),
        # namespaces
        ("http://10.0.0.1/", "shop/10.0.0.0/8", "ok"),
        ("http://10.0.0.1/", "other/10.0.0.0/8", "private"),
    ],
)
def test_the_verdict_on_a_url(url: str, allow: str, expected: str) -> None:
    assert verdict(url, allow) == expected


@pytest.mark.parametrize(
    ("host", "address", "port", "allow", "expected"),
    [
        ("a.example", "93.184.215.14", 443, "", None),
        ("a.example", "10.0.0.1", 443, "", "private"),
        ("a.example", "10.0.0.1", 443, "a.example", None),
        ("b.a.example", "10.0.0.1", 443, "a.example", "private"),
        ("b.a.example", "10.0.0.1", 443, "*.a.example", None),
        ("a.example", "10.0.0.1", 443, "*.a.example", "private"),
        ("ba.example", "10.0.0.1", 443, "*.a.example", "private"),
        ("a.example", "10.0.0.1", 8080, "a.example:8080", None),
        ("a.example", "10.0.0.1", 443, "a.example:8080", "private"),
        ("a.example", "10.0.0.1", 443, "other/a.example", "private"),
        ("a.example", "10.0.0.1", 443, "shop/a.example", None),
        ("a.example", "fd00::1", 443, "a.example", None),
        ("a.example", "100.64.0.1", 443, "a.example", None),
        # a host rule lifts tier 2 only
        ("a.example", "127.0.0.1", 443, "a.example", "loopback"),
        ("a.example", "169.254.169.254", 443, "*.example a.example", "cloud metadata"),
        ("a.example", "64:ff9b:1::7f00:1", 443, "a.example", "loopback"),
        ("a.example", "64:ff9b:1::a00:1", 443, "a.example", None),
        # ports of names
        ("a.example", "93.184.215.14", 22, "", "port"),
        ("a.example", "93.184.215.14", 22, "a.example:22", None),
        ("a.example", "93.184.215.14", 22, "93.184.215.0/24:22", None),
        ("a.example", "93.184.215.14", 22, "b.example:22", "port"),
    ],
)
def test_the_verdict_on_a_resolved_address(
    host: str, address: str, port: int, allow: str, expected: str | None
) -> None:
    found = judge_address(ip_address(address), port, host, SHOP, EgressRules.parse(allow))
    assert (found and str(found.kind or "port")) == expected


API = protect(["10.96.0.1"], AddressClass.KUBERNETES_API)
CONTROL = protect(["10.1.2.3", "127.0.0.0/8"], AddressClass.OWN, 8081)


@pytest.mark.parametrize(
    ("url", "allow", "expected"),
    [
        ("https://10.96.0.1/", "", "the Kubernetes API"),
        ("https://10.96.0.1/", "10.0.0.0/8", "the Kubernetes API"),
        ("https://10.96.0.1/", "0.0.0.0/0", "the Kubernetes API"),
        ("https://10.96.0.1/", "10.96.0.1", "ok"),
        ("https://10.96.0.1/", "other/10.96.0.1", "the Kubernetes API"),
        ("https://[::ffff:10.96.0.1]/", "10.0.0.0/8", "the Kubernetes API"),
        ("https://10.96.0.2/", "10.0.0.0/8", "ok"),
        ("http://10.1.2.3:8081/", "10.0.0.0/8", "the gateway's own"),
        ("http://10.1.2.3:8081/", "10.1.2.3", "the gateway's own"),
        ("http://10.1.2.3:8081/", "10.1.2.3:8081", "ok"),
        ("http://10.1.2.3:8080/", "10.0.0.0/8", "ok"),
        ("http://127.0.0.1:8081/", "127.0.0.0/8", "the gateway's own"),
        ("http://127.0.0.1:9000/", "127.0.0.0/8", "ok"),
        ("http://[::1]:8081/", "::/0", "ok"),
    ],
)
def test_what_is_protected_is_opened_only_by_its_exact_name(
    url: str, allow: str, expected: str
) -> None:
    rules = EgressRules.parse(allow, (*API, *CONTROL))
    found = judged(url, SHOP, rules)
    assert ("ok" if isinstance(found, Destination) else found.kind) == expected


def test_no_rule_for_a_host_opens_what_is_protected() -> None:
    rules = EgressRules.parse("kubernetes.default.svc", API)
    found = judge_address(ip_address("10.96.0.1"), 443, "kubernetes.default.svc", SHOP, rules)
    assert found is not None
    assert found.kind is AddressClass.KUBERNETES_API


def test_a_network_that_cannot_be_read_is_not_protected_silently() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        protect(["nonsense"], AddressClass.OWN)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "http://"),
        ("a.example/hook", "http://"),
        ("ftp://a.example/", "http://"),
        ("file:///etc/passwd", "http://"),
        ("//a.example/", "http://"),
        ("http://", "no host"),
        ("http:///path", "no host"),
        ("http://:80/", "no host"),
        ("http://user@a.example/", "user name or password"),
        ("http://user:secret@a.example/", "user name or password"),
        ("http://@a.example/", "user name or password"),
        ("http://a.example@127.0.0.1/", "user name or password"),
        ("http://a.example:0/", "port 0"),
        ("http://a.example:65536/", "port"),
        ("http://a.example:x/", "port"),
        ("http://a.example:１/", "port"),
        ("http://[::1", "brackets"),
        ("http://[::1]a/", "cannot be"),
        ("http://a b/", "white space"),
        ("http://a.example/x y", "white space"),
        ("http://a.example/\r\nX-Injected: 1", "white space"),
        ("http://a.example\\@127.0.0.1/", "backslash"),
        ("http://a.example/\x7f", "control character"),
        ("http://a.example/\ud800", "control character"),
        ("http://a.example/" + "x" * 2083, "2083"),
    ],
)
def test_a_bad_url_is_refused_and_told_why(url: str, hint: str) -> None:
    with pytest.raises(BadUrl, match=hint) as caught:
        read_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "requested", "shown"),
    [
        ("http://a.example", "http://a.example/", "http://a.example/"),
        (" HTTPS://A.Example:443/x \n", "https://a.example/x", "https://a.example/x"),
        ("http://a.example:8080/x?k=v#f", "http://a.example:8080/x?k=v", "http://a.example:8080/x?…"),
        ("http://a.example?k=v", "http://a.example/?k=v", "http://a.example/?…"),
        ("http://a.example/%2e%2E/a%2Fb//c", "http://a.example/%2e%2E/a%2Fb//c", "http://a.example/%2e%2E/a%2Fb//c"),
        ("http://a.example/é?q=ü", "http://a.example/%C3%A9?q=%C3%BC", "http://a.example/%C3%A9?…"),
        ("http://[2606:4700:0::1111]:81/", "http://[2606:4700::1111]:81/", "http://[2606:4700::1111]:81/"),
        ("http://0x08080808/", "http://8.8.8.8/", "http://8.8.8.8/"),
    ],
)  # fmt: skip
def test_what_is_requested_is_what_was_judged(url: str, requested: str, shown: str) -> None:
    destination = read_url(url)
    assert destination.url == requested
    assert destination.shown == shown
    assert destination.shown_without_path == f"{destination.scheme}://{destination.netloc}/…"


@given(st.text(alphabet=st.sampled_from("htps:/.@[]%0127fx①。ü#?\\ \n"), max_size=40))
def test_any_url_has_a_verdict_and_reads_the_same_twice(tail: str) -> None:
    found = judged("http://" + tail, SHOP, NONE)
    if isinstance(found, Destination):
        assert read_url(found.url) == found


@given(st.text(alphabet=st.sampled_from("ab1.:/[]*-%f0 8,é_"), max_size=24))
def test_any_text_is_a_rule_or_a_rule_error(text: str) -> None:
    try:
        rules = EgressRules.parse(text)
    except RuleError:
        return
    for rule in rules.allow:
        assert [rule.network, rule.host, rule.suffix].count(None) == 2


@given(st.ip_addresses(), st.ip_addresses())
def test_a_rule_for_one_address_opens_no_other(
    opened: IPv4Address | IPv6Address, asked: IPv4Address | IPv6Address
) -> None:
    rules = EgressRules((Rule(network=ip_network(opened)),))
    before = judge_address(asked, 443, str(asked), SHOP, NONE)
    after = judge_address(asked, 443, str(asked), SHOP, rules)
    if opened not in {facet.address for facet in facets(asked)}:
        assert after == before


@pytest.mark.parametrize(
    ("rules", "says"),
    [(NONE, False), (EgressRules.parse("10.0.0.1"), True), (EgressRules.parse("", API), True)],
)
def test_rules_that_say_nothing_beyond_the_default_are_false(
    rules: EgressRules, says: bool
) -> None:
    assert bool(rules) is says
