"""Tokens that rotate, certificates that change, gateways that are away or are none."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web

from hookgate_operator.ports import GatewayAwaited, GatewayRefused, GatewayUnavailable
from hookgate_process.addresses import ListenAddress
from hookgate_process.watched_files import UnusableFile
from tests.acceptance.harness import eventually, free_port
from tests.controlplane.gateway_client.world import Watcher, client_of, declaration
from tests.gateway.api.control.world import TOKEN, Control, open_control_world
from tests.gateway.app.test_lifecycle import running, settings
from tests.receivers import Authority

__all__ = ["settings"]  # a fixture

NEW = "a-new-token-0123456789"


def write(path: Path, text: str) -> None:
    """As a mounted Secret changes: by renaming."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


class TestTokens:
    @pytest.fixture
    async def control(self, tmp_path: Path) -> AsyncIterator[Control]:
        async with open_control_world(tmp_path) as made:
            yield made

    async def test_a_token_rotates_without_a_failed_call(
        self, control: Control, tmp_path: Path
    ) -> None:
        """The operator's file may have the new one before the gateway's has, or after."""
        watcher, ours = Watcher(), tmp_path / "operator-token"
        async with client_of(control, tmp_path, observer=watcher) as client:
            await client.reachable()
            write(ours, f"{NEW}\n{TOKEN}\n")
            await client.reachable()
            assert watcher.codes == {"200": 2}
            write(control.token_file, f"{NEW}\n")
            await client.reachable()
            assert watcher.codes == {"200": 3, "401": 1}
            await client.reachable()
            write(ours, f"{NEW}\n")
            await client.reachable()
            assert watcher.codes == {"200": 5, "401": 1}
        assert watcher.changed == [ours, ours]

    async def test_a_refused_token_is_no_refused_declaration(
        self, control: Control, tmp_path: Path
    ) -> None:
        write(tmp_path / "operator-token", f"{NEW}\nanother-wrong-0123456789\n")
        watcher = Watcher()
        async with client_of(control, tmp_path, observer=watcher) as client:
            with pytest.raises(GatewayUnavailable, match="does not accept the token") as raised:
                await client.put(declaration("shop"))
            assert watcher.codes == {"401": 2}
            assert NEW not in str(raised.value)
            write(tmp_path / "operator-token", f"{TOKEN}\n")
            await client.put(declaration("shop"))

    async def test_a_file_that_cannot_be_used_leaves_the_last_one_in_force(
        self, control: Control, tmp_path: Path
    ) -> None:
        watcher, ours = Watcher(), tmp_path / "operator-token"
        async with client_of(control, tmp_path, observer=watcher) as client:
            write(ours, "short")
            await client.reachable()
            ours.unlink()
            await client.reachable()
        assert [str(ours) in why for why in watcher.unusable] == [True, True]

    async def test_without_a_token_there_is_no_client(self, tmp_path: Path) -> None:
        write(tmp_path / "operator-token", "")
        with pytest.raises(UnusableFile, match="holds no token"):
            async with client_of("http://127.0.0.1:1", tmp_path):
                pass


class TestTls:
    @pytest.fixture
    def ca_file(self, tmp_path: Path) -> Path:
        self.authority = Authority()
        path = tmp_path / "ca.crt"
        path.write_bytes(self.authority.pem)
        return path

    @pytest.fixture
    def made(self, settings, tmp_path):
        """Settings of a gateway whose certificate is of ``self.authority``."""
        leaf = self.authority.ca.issue_cert("localhost")
        certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        token = tmp_path / "gateway-token"
        token.write_text(TOKEN)
        self.port = free_port()
        return settings(
            control_listen=ListenAddress(None, self.port),
            control_token_file=token,
            control_tls_certificate_file=certificate,
            control_tls_key_file=key,
        )

    async def test_only_the_pinned_ca_is_believed(self, ca_file, made, tmp_path) -> None:
        url, watcher = f"https://localhost:{self.port}", Watcher()
        async with running(made):
            async with client_of(url, tmp_path, ca_file=ca_file, observer=watcher) as client:
                standing = await client.put(declaration("shop"))
                assert (standing.resolved, standing.endpoint.allowed) == (True, True)
                metadata = declaration("shop", url="https://169.254.169.254/")
                forbidden = await client.put(metadata)
                assert (forbidden.endpoint.allowed, forbidden.health.hold) == (
                    False,
                    "EndpointForbidden",
                )
                assert forbidden.endpoint.message
                assert forbidden.health.hold_message
                ca_file.write_bytes(b"nothing of use")
                await client.reachable()
                assert watcher.unusable == [f"{ca_file} holds no certificates in PEM"]
                write(ca_file, Authority().pem.decode())
                with pytest.raises(GatewayUnavailable, match="certificate is not trusted"):
                    await client.reachable()
                write(ca_file, self.authority.pem.decode())
                await client.reachable()
                assert watcher.changed == [ca_file, ca_file]
            async with client_of(url, tmp_path) as client:
                with pytest.raises(
                    GatewayUnavailable, match="not answer: its certificate is not trusted: "
                ):
                    await client.reachable()
            async with client_of(
                url.replace("localhost", "127.0.0.1"), tmp_path, ca_file=ca_file
            ) as client:
                with pytest.raises(
                    GatewayUnavailable, match=r"not answer: .* not trusted: IP address mismatch"
                ):
                    await client.reachable()

    async def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableFile, match="No such file"):
            async with client_of("https://localhost:1", tmp_path, ca_file=tmp_path / "none"):
                pass


class TestAway:
    """Whatever stands there instead, the error says so in one sentence and none of it is a refusal."""

    async def sentence(self, url: str, folder: Path, **options) -> tuple[str, Watcher]:
        watcher = Watcher()
        options.setdefault("start", 0.0)
        async with client_of(url, folder, observer=watcher, **options) as client:
            with pytest.raises(GatewayUnavailable) as raised:
                await client.replay("shop", "uid-1")
        assert not isinstance(raised.value, GatewayAwaited)
        assert "\n" not in str(raised.value)
        assert TOKEN not in str(raised.value)
        return str(raised.value), watcher

    async def test_nobody_listens(self, tmp_path: Path) -> None:
        told, watcher = await self.sentence(f"http://127.0.0.1:{free_port()}", tmp_path)
        assert told == "the gateway does not answer: connection refused"
        assert watcher.codes == {"none": 1}

    async def test_one_that_may_be_starting_is_awaited_until_it_has_answered(
        self, tmp_path: Path
    ) -> None:
        port = free_port()
        async with client_of(f"http://127.0.0.1:{port}", tmp_path) as client:
            with pytest.raises(GatewayAwaited, match="does not answer yet: connection refused"):
                await client.reachable()
            async with website(503, "", port=port):  # an answer, be it a bad one
                with pytest.raises(GatewayUnavailable, match="it answers 503"):
                    await client.reachable()
            with pytest.raises(GatewayUnavailable, match="answer: connection refused") as raised:
                await client.reachable()
        assert not isinstance(raised.value, GatewayAwaited)

    async def test_one_that_has_not_started_in_time_is_away(self, tmp_path: Path) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        async with client_of(url, tmp_path, start=1.0) as client:
            with pytest.raises(GatewayAwaited):
                await client.reachable()

            async def is_away() -> bool:
                with pytest.raises(GatewayUnavailable) as raised:
                    await client.reachable()
                return not isinstance(raised.value, GatewayAwaited)

            await eventually(is_away, what="it is no start any more")

    async def test_no_such_name(self, tmp_path: Path) -> None:
        told, _ = await self.sentence("https://gateway.invalid", tmp_path)
        assert told == "the gateway does not answer: its name cannot be resolved"

    async def test_somebody_who_never_answers(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            told, watcher = await self.sentence(url, tmp_path, deadline=0.1)
        assert told == "the gateway does not answer: it takes too long"
        assert watcher.codes == {"none": 1}

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (b"", "the connection broke"),
            (b"\x16\x03\x01 this is not HTTP\r\n\r\n", "the connection broke"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "the connection broke"),
        ],
    )
    async def test_something_that_is_no_http(self, tmp_path, answer, expected) -> None:
        async def hang_up(reader, writer) -> None:
            await reader.read(1)
            writer.write(answer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            told, _ = await self.sentence(f"http://127.0.0.1:{port}", tmp_path)
            assert told == f"the gateway does not answer: {expected}"
            told, _ = await self.sentence(f"https://localhost:{port}", tmp_path, deadline=5.0)
            assert told.startswith("the gateway does not answer: ")

    @pytest.mark.parametrize(
        ("status", "text", "expected"),
        [
            (200, "<html>welcome</html>", "answer cannot be read"),
            (200, "[1, 2]", "answer cannot be read"),
            (200, '{"id": "uid-1"}', "answer cannot be read"),
            (204, "", "answer cannot be read"),
            (404, "no such page", "control listener of a gateway of this version"),
            (302, "", "it answers 302"),
            (502, "bad gateway", "it answers 502"),
            (503, "", "it answers 503"),
        ],
    )
    async def test_a_web_server_that_is_no_gateway(self, tmp_path, status, text, expected) -> None:
        async with website(status, text) as url:
            told, watcher = await self.sentence(url, tmp_path)
        assert expected in told
        assert watcher.codes == {str(status): 1}

    async def test_a_flood_is_not_read_to_its_end(self, tmp_path: Path) -> None:
        async with website(200, "x" * (65 * 1024 * 1024)) as url:
            told, _ = await self.sentence(url, tmp_path)
        assert told == "the gateway does not answer: the connection broke"

    async def test_it_says_when_to_come_back(self, tmp_path: Path) -> None:
        async with (
            website(429, "", {"Retry-After": "12"}) as url,
            client_of(url, tmp_path) as client,
        ):
            with pytest.raises(GatewayUnavailable) as raised:
                await client.put(declaration("shop"))
        assert raised.value.retry_after == 12

    async def test_no_proxy_of_the_environment_sees_the_token(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with website(422, '{"detail": "direct"}') as url:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
            async with client_of(url, tmp_path) as client:
                with pytest.raises(GatewayRefused, match="direct"):
                    await client.put(declaration("shop"))


@asynccontextmanager
async def website(
    status: int, text: str, headers: dict[str, str] | None = None, *, port: int = 0
) -> AsyncIterator[str]:
    """A web server that answers everything so; its address."""
    location = {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else {}

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, text=text, headers={**location, **(headers or {})})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
