"""
The yardstick: what signed delivery costs with nothing around it.

aiohttp's client on uvloop, 128 in flight, an HMAC over each one-kilobyte body, one process. Prints one
JSON line with the requests a second and the CPU seconds for a thousand.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import resource
import time

import aiohttp
import uvloop

from benchmarks.payload import report

IN_FLIGHT = 128
_KEY = b"a-key-of-the-bare-loop-0123456789"


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _post(session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Skyvern-Webhook/1.0",
        "X-Skyvern-Signature": "sha256=" + hmac.new(_KEY, body, hashlib.sha256).hexdigest(),
        "X-Skyvern-Timestamp": str(time.monotonic_ns() // 10**9),
    }
    async with session.post(url, data=body, headers=headers) as response:
        await response.read()


async def _measure(session: aiohttp.ClientSession, url: str, count: int) -> tuple[float, float]:
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await _post(session, url, report(number, time.monotonic_ns()))

    began, cpu = time.monotonic(), _cpu()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return time.monotonic() - began, _cpu() - cpu


async def main(url: str, count: int) -> None:
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:
        await _measure(session, url, IN_FLIGHT * 4)  # connections and caches are warm
        seconds, cpu = await _measure(session, url, count)
    print(json.dumps({"per_second": count / seconds, "cpu_per_1000": cpu / count * 1000}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare")
    parser.add_argument("url")
    parser.add_argument("count", type=int)
    parsed = parser.parse_args()
    uvloop.run(main(parsed.url, parsed.count))
