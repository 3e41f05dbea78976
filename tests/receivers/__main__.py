"""
The receivers as a process, for acceptance tests and benchmarks.

Prints one line of JSON when everything listens::

    {"pid", "http", "https", "mtls": ports, "dns": "host:port", "ca", "client_certificate", "client_key": PEM}

and runs until its standard input ends or SIGTERM. Each HTTP port has its own ``/_log``, ``/_clear``,
``/_set`` and ``/_stats``.
"""

import argparse
import asyncio
import json
import os
import signal
import stat
import sys
from contextlib import AsyncExitStack

from tests.receivers import Authority, NameServer, Receiver


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.receivers", description="Receivers by script.")  # fmt: skip
    parser.add_argument(
        "--key", action="append", default=[], help="verifies signatures; repeatable"
    )
    parser.add_argument("--port", type=int, default=0, help="of plain HTTP (default: any)")
    parser.add_argument("--tls", action="store_true", help="also listen with a private CA, and with client certificates required")  # fmt: skip
    parser.add_argument("--server-name", action="append", default=[], help="in the server's certificate (default: 127.0.0.1 and localhost)")  # fmt: skip
    parser.add_argument("--dns", help='JSON: {"name": [["127.0.0.1"], "silent", "unknown"]}')
    parser.add_argument("--log-limit", type=int, help="keep only that many requests")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    keys = [key.encode() for key in options.key]
    told: dict[str, object] = {"pid": os.getpid()}
    async with AsyncExitStack() as stack:
        plain = Receiver(keys=keys, port=options.port, log_limit=options.log_limit)
        told["http"] = (await stack.enter_async_context(plain)).port
        if options.tls:
            await _listen_with_tls(stack, options, keys, told)
        if options.dns:
            scripts = {
                name: [tuple(s) if isinstance(s, list) else s for s in turns]
                for name, turns in json.loads(options.dns).items()
            }
            told["dns"] = (await stack.enter_async_context(NameServer(scripts))).address
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await _told_to_stop()


async def _listen_with_tls(
    stack: AsyncExitStack, options: argparse.Namespace, keys: list[bytes], told: dict[str, object]
) -> None:
    authority = Authority()
    for name, clients in (("https", False), ("mtls", True)):
        context = authority.server(*options.server_name, clients=clients)
        receiver = Receiver(keys=keys, tls=context, log_limit=options.log_limit)
        told[name] = (await stack.enter_async_context(receiver)).port
    certificate, key = authority.client()
    told["ca"] = authority.pem.decode()
    told["client_certificate"] = certificate.decode()
    told["client_key"] = key.decode()


async def _told_to_stop() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_signal_handler(signal.SIGINT, stopped.set)
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):  # a terminal, a file or /dev/null never ends us
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        ended = asyncio.create_task(reader.read())
        ended.add_done_callback(lambda _: stopped.set())
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(run(arguments()))
