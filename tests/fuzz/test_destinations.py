"""What is judged is what is connected to and asked for, in the eyes of other readers of URLs too."""

import contextlib
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from yarl import URL

from hookgate_gateway.egress.guard import Guard, Trace
from hookgate_gateway.egress.request import Unsendable, request_line
from hookgate_gateway.observe import Observer
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.destination import BadUrl, Destination, Refused, judge_address
from hookgate_gateway.rules.egress_rules import EgressRules, RuleError
from tests.gateway.rules.verdicts import judged

SHOP = Namespace("shop")
NONE = EgressRules()
OPEN = EgressRules.parse("0.0.0.0/0,::/0")

octets = st.integers(0, 255)
numbers = st.sampled_from(["{:d}", "0x{:x}", "0{:o}", "0X{:X}", "{:03d}", "0x000000{:x}"])


@st.composite
def spelled(draw, address):
    """An IPv4 address in one of the notations that some reader takes for it."""
    packed = draw(address).packed
    parts = draw(st.integers(1, 4))
    heads, tail = packed[: parts - 1], int.from_bytes(packed[parts - 1 :])
    text = ".".join(draw(numbers).format(value) for value in (*heads, tail))
    dressed = draw(st.sampled_from(["{}", "{}.", "{}。", "%{:x}{}"]))
    if dressed == "%{:x}{}":
        return dressed.format(ord(text[0]), text[1:])
    text = draw(st.sampled_from([text, text.translate({ord("1"): "①", ord("."): "．"})]))
    return dressed.format(text)


hosts = (
    spelled(st.ip_addresses(v=4))
    | st.ip_addresses(v=6).map(lambda a: f"[{a}]")
    | st.ip_addresses(v=4).map(lambda a: f"[::ffff:{a}]")
    | st.text(alphabet="ab1.-_%[]:@0x①。ß\u00ad\u200d/\\#?", max_size=16)
    | st.sampled_from(
        ["a.example", "XN--nxa.example", "1.2.3.4.example", "localhost", "[::1%25lo]"]
    )
)
tails = st.sampled_from(["", ":80", ":", ":0", ":00080", ":65536", ":٣", "/", "?q", "#f", "/..;/ü", "/a b", "/%0d%0aX:1", ":@b.example", "\\@b.example/"])  # fmt: skip
urls = st.builds(
    "{}://{}{}{}".format, st.sampled_from(["http", "https", "HTTP"]), hosts, tails, tails
)


@given(urls)
@example("http://a.example\\@127.0.0.1/")
@example("http://127.0.0.1#@a.example/")
def test_every_reader_reads_what_was_judged(url):
    """The requested URL has one meaning: for us a second time, for yarl and for the standard library."""
    found = judged(url, SHOP, OPEN)
    if isinstance(found, Refused | BadUrl):
        assert str(found)
        return
    again = judged(found.url, SHOP, OPEN)
    assert again == found
    standard, other = urlsplit(found.url), URL(found.url, encoded=True)
    ports = {found.port, standard.port or _default(found), other.port}
    assert ports == {found.port}
    name = found.host.name
    assert standard.hostname == name
    assert other.raw_host == name
    assert request_line(found).split(b"\r\n")[1] == b"Host: " + found.netloc.encode()


def _default(found):
    return {"http": 80, "https": 443}[found.scheme]


@given(urls)
def test_a_literal_that_may_be_connected_to_is_public(url):
    """The verdict of the URL, of the address in it, and of the last assertion before the socket agree."""
    found = judged(url, SHOP, NONE)
    if not isinstance(found, Destination) or found.host.address is None:
        return
    address = found.host.address
    assert judge_address(address, found.port, found.host.name, SHOP, NONE) is None
    assert address.is_global or address.version == 6
    assert _as_the_system_reads(found.host.name) == address
    guard = Guard(NONE, Observer(CollectorRegistry()))
    guard.open_socket(address, found.port, Trace(SHOP, found.host.name)).close()


@given(spelled(st.ip_addresses(v=4, network="127.0.0.0/8")))
def test_no_spelling_of_loopback_is_allowed(host):
    found = judged(f"http://{host}/", SHOP, NONE)
    assert isinstance(found, Refused | BadUrl)


def _as_the_system_reads(host):
    """The address that the C library takes this for; no name is looked up."""
    [(_, _, _, _, place), *_] = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)  # fmt: skip
    return ip_address(place[0])


@given(st.text(max_size=60), urls, st.ip_addresses(), st.integers(1, 65535))
def test_any_rules_and_any_url_have_a_verdict(text, url, address, port):
    rules = NONE
    with contextlib.suppress(RuleError):
        rules = EgressRules.parse(text)
    found = judged(url, SHOP, rules)
    if isinstance(found, Destination):
        with contextlib.suppress(Unsendable):
            request_line(found)
    judge_address(address, port, "a.example", SHOP, rules)
