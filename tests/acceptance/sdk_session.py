"""Runs inside an environment that has the real Skyvern SDK: a call a line in, its result a line out.

Nothing of the SDK is changed. Lines are JSON: ``{"call", "arguments"}`` in; ``{"ok"}`` or ``{"error"}`` out.
"""

import asyncio
import json
import sys


def _say(result):
    sys.stdout.write(json.dumps(result, default=str) + "\n")
    sys.stdout.flush()


def _plain(value):
    """Models as the SDK parsed them."""
    if hasattr(value, "model_dump"):
        return {**value.model_dump(mode="json"), "": type(value).__name__}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _signed(payload, key):
    """What the server's own code sends: the text that it signed, and its headers."""
    from skyvern.forge.sdk.core.security import generate_skyvern_webhook_signature

    made = generate_skyvern_webhook_signature(payload, key)
    return {"body": made.signed_payload, "headers": made.headers}


def _signature(text, key):
    from skyvern.forge.sdk.core.security import generate_skyvern_signature

    return generate_skyvern_signature(text, key)


async def _answer(client, call, arguments):
    if call == "sign":
        return _signed(**arguments)
    if call == "signature":
        return _signature(**arguments)
    if "engine" in arguments:
        from skyvern import RunEngine

        arguments["engine"] = RunEngine(arguments["engine"])
    return _plain(await getattr(client, call)(**arguments))


async def main(base_url, api_key):
    from skyvern import Skyvern

    client = Skyvern(base_url=base_url, api_key=api_key)
    _say({"ok": "ready"})
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = json.loads(line)
        try:
            result = {"ok": await _answer(client, request["call"], request["arguments"])}
        except Exception as error:  # noqa: BLE001  # the test says what may be raised
            status = getattr(error, "status_code", None)
            result = {"error": f"{type(error).__name__}: {error}", "status": status}
        _say(result)


asyncio.run(main(*sys.argv[1:]))
