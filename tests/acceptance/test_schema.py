"""Schemathesis against the running gateway: no 5xx, and no answer that the document does not tell of."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.acceptance.harness import Gateway, report
from tests.acceptance.manifests import API_KEY, source
from tests.receivers import NameServer, Receiver

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "missing_required_header",
    "ignored_auth",
)
EXAMPLES = 25
"""For each operation and phase: about a minute in all."""


@pytest.mark.timeout(600)
async def test_the_gateway_does_what_its_document_says(
    idle: Gateway, receiver: Receiver, tmp_path: Path
) -> None:
    idle.manifests.write("source", source("upstream", "key-of-the-skyvern-server-012345"))
    idle.manifests.subscription("hook", receiver.url("ok200/hook"))
    async with NameServer() as nobody:  # URLs are made up: nothing outside may be reached
        idle.settings["dns_servers"] = nobody.address
        await idle.start()
        await idle.accepted(report("tsk_known"))
        code, told = await _schemathesis(idle, tmp_path)
    assert code == 0, told
    assert not idle.logged("request_failed")


async def _schemathesis(gateway: Gateway, folder: Path) -> tuple[int | None, str]:
    """Its exit code and what it printed. What it tries is the same each time."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")),
        "run", gateway.url("/openapi.json"),
        "--header", f"x-api-key: {API_KEY}",
        "--checks", ",".join(CHECKS),
        "--max-examples", str(EXAMPLES),
        "--generation-deterministic", "--suppress-health-check", "all",
        "--no-color", "--continue-on-failure", "--warnings", "off",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate()
    return process.returncode, told.decode()
