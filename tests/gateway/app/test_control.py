"""The control listener: when a gateway refuses to start with it, TLS, certificates that change."""

import asyncio
import json
import ssl

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from hookgate_gateway.app.control import open_control
from hookgate_gateway.app.tls_files import TlsFiles, UnusableCertificate
from hookgate_gateway.observe import Observer
from hookgate_gateway.settings import Settings
from hookgate_process.addresses import ListenAddress
from hookgate_process.connector import ClosingConnector
from hookgate_process.failures import CannotStart
from tests.acceptance.harness import free_port
from tests.gateway.app.test_lifecycle import running, settings
from tests.receivers import Authority

__all__ = ["settings"]  # a fixture

TOKEN = "operators-token-0123456789"
LOOPBACK = ListenAddress("127.0.0.1", 0)
EVERYWHERE = ListenAddress(None, 0)


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


@pytest.fixture
def pair(tmp_path):
    """Writes a certificate of an authority and its key; where they are."""

    def write(authority):
        leaf = authority.ca.issue_cert("127.0.0.1", "localhost")
        certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        return {"control_tls_certificate_file": certificate, "control_tls_key_file": key}

    return write


def trusting(authority):
    context = ssl.create_default_context(cadata=authority.pem.decode())
    return ClosingConnector(ssl=context)


def refusal(made: Settings) -> str:
    with pytest.raises(CannotStart) as caught:
        open_control(made, Observer(CollectorRegistry()))
    return str(caught.value)


class TestRefusedStarts:
    def test_off_unless_asked_for(self, settings):
        assert open_control(settings(), Observer(CollectorRegistry())) is None

    def test_without_a_token(self, settings):
        told = refusal(settings(control_listen=LOOPBACK))
        assert told.startswith("HOOKGATE_CONTROL_LISTEN needs HOOKGATE_CONTROL_TOKEN_FILE; make")

    def test_with_a_short_token(self, settings, token_file):
        token_file.write_text("short-secret")
        told = refusal(settings(control_listen=LOOPBACK, control_token_file=token_file))
        assert told.startswith(f"HOOKGATE_CONTROL_TOKEN_FILE: {token_file} holds a token of fewer")
        assert "short-secret" not in told

    @pytest.mark.parametrize("host", [None, "0.0.0.0", "::"])
    def test_in_clear_text_beyond_loopback(self, settings, token_file, host):
        listen = ListenAddress(host, 0)
        told = refusal(settings(control_listen=listen, control_token_file=token_file))
        assert told.startswith(f"HOOKGATE_CONTROL_LISTEN={listen} is not loopback")
        assert "HOOKGATE_CONTROL_TLS_CERTIFICATE_FILE" in told
        assert "\n" not in told

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
    def test_clear_text_on_loopback_is_fine(self, settings, token_file, host):
        made = settings(control_listen=ListenAddress(host, 0), control_token_file=token_file)
        control = open_control(made, Observer(CollectorRegistry()))
        assert control is not None
        assert control.tls is None
        control.socket.close()

    def test_with_half_a_pair(self, settings, token_file, pair):
        files = pair(Authority())
        more = {"control_listen": LOOPBACK, "control_token_file": token_file}
        for half in files:
            assert "go together" in refusal(settings(**more, **{half: files[half]}))

    def test_with_files_that_are_no_certificate(self, settings, token_file, pair):
        files = pair(Authority())
        files["control_tls_key_file"].write_text("-----BEGIN NOTHING-----")
        more = {"control_listen": EVERYWHERE, "control_token_file": token_file}
        told = refusal(settings(**more, **files))
        assert str(files["control_tls_key_file"]) in told
        files["control_tls_key_file"].unlink()
        assert "No such file" in refusal(settings(**more, **files))


class TestTls:
    @pytest.fixture
    def made(self, settings, token_file, pair):
        self.authority = Authority()
        self.port = free_port()
        listen = ListenAddress(None, self.port)
        files = pair(self.authority)
        return settings(control_listen=listen, control_token_file=token_file, **files)

    async def test_a_caller_that_pins_the_ca_is_answered_and_others_refuse(self, made):
        url = f"https://127.0.0.1:{self.port}/control/v1/resources"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with running(made):
            async with (
                aiohttp.ClientSession(connector=trusting(self.authority)) as session,
                session.get(url, headers=headers) as answer,
            ):
                assert answer.status == 200
            async with aiohttp.ClientSession(connector=trusting(Authority())) as session:
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await session.get(url, headers=headers)
            async with aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.ClientError):
                    await session.get(url.replace("https", "http"), headers=headers)

    async def test_a_new_certificate_is_used_once_it_is_there(self, pair, tmp_path):
        first, second = Authority(), Authority()
        with capture_logs() as log:
            tls = TlsFiles(*pair(first).values(), Observer(CollectorRegistry()))
            assert issuer(tls.context, first)
            await tls.look()
            pair(second)
            await tls.look()
            assert issuer(tls.context, second)
            assert not issuer(tls.context, first)
        assert [line["event"] for line in log] == ["control_certificate_changed"]

    @pytest.mark.parametrize("half", ["tls.crt", "tls.key"])
    async def test_a_half_written_pair_changes_nothing(self, pair, tmp_path, half):
        first, second = Authority(), Authority()
        with capture_logs() as log:
            tls = TlsFiles(*pair(first).values(), Observer(CollectorRegistry()))
            before = (tmp_path / half).read_bytes()
            pair(second)
            whole = (tmp_path / half).read_bytes()
            (tmp_path / half).write_bytes(before)
            await tls.look()
            assert issuer(tls.context, first)
            (tmp_path / half).write_bytes(whole)
            await tls.look()
            assert issuer(tls.context, second)
        events = [line["event"] for line in log]
        assert events == ["control_certificate_unusable", "control_certificate_changed"]

    def test_an_encrypted_key_is_refused_without_asking_for_its_passphrase(self, pair):
        from cryptography.hazmat.primitives.serialization import (
            BestAvailableEncryption,
            Encoding,
            PrivateFormat,
            load_pem_private_key,
        )

        certificate, key = pair(Authority()).values()
        loaded = load_pem_private_key(key.read_bytes(), None)
        shut = BestAvailableEncryption(b"passphrase")
        key.write_bytes(loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, shut))
        with pytest.raises(UnusableCertificate, match="encrypted"):
            TlsFiles(certificate, key, Observer(CollectorRegistry()))


def issuer(context: ssl.SSLContext, authority: Authority) -> bool:
    """Whether a client that trusts only this authority accepts the context's certificate."""
    client = ssl.create_default_context(cadata=authority.pem.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    theirs = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
    return ours.version() is not None


async def test_waiting_for_changes_does_not_hold_up_a_stop(settings, token_file):
    port = free_port()
    made = settings(control_listen=ListenAddress("127.0.0.1", port), control_token_file=token_file)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"http://127.0.0.1:{port}/control/v1/health"
    each_its_own = aiohttp.TCPConnector(force_close=True)
    async with (
        running(made) as (_, _, stop, task),
        aiohttp.ClientSession(headers=headers, connector=each_its_own) as session,
    ):
        async with session.get(url) as answer:
            since = (await answer.json())["token"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /control/v1/health?timeout=60&since={since} HTTP/1.1\r\nHost: gateway\r\n"
            f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        # Connections are taken in their order: what was sent on the one before has come in.
        async with session.get(url) as answer:
            assert answer.status == 200
        stop.set()
        head, _, body = (await asyncio.wait_for(reader.read(), 30)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert json.loads(body)["full"] is False
        writer.close()
        await writer.wait_closed()
        await asyncio.wait_for(task, 30)
