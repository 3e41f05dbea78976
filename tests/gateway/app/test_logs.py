"""Log lines: one an event, UTC, and nothing in them that a stranger could have put there."""

import asyncio
import io
import json
import logging

import pytest
import structlog

from hookgate_process import logs


@pytest.fixture
def stream():
    before = logging.root.handlers[:], logging.root.level
    yield io.StringIO()
    logging.root.handlers[:], logging.root.level = before
    structlog.reset_defaults()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object_with_event_level_and_utc_time(stream):
    logs.configure("json", "info", stream=stream)
    structlog.get_logger().info("listening", port=8080)
    structlog.get_logger().debug("unseen")
    (line,) = lines(stream)
    assert line["event"] == "listening"
    assert line["level"] == "info"
    assert line["port"] == 8080
    assert line["timestamp"].endswith("Z")


def test_text_is_for_people_and_has_no_colours_in_a_pipe(stream):
    logs.configure("text", "info", stream=stream)
    structlog.get_logger().info("listening", port=8080)
    assert "listening" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_librarys_record_is_an_event(stream):
    logs.configure("json", "info", stream=stream)
    logging.getLogger("some.library").warning("take %s", "care")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["message"]) == (
        "library_message",
        "some.library",
        "take care",
    )


@pytest.mark.parametrize("logger", ["aiohttp.server", "aiohttp.web", "asyncio"])
def test_what_can_quote_the_network_is_told_by_its_kind_alone(stream, logger):
    logs.configure("json", "info", stream=stream)
    try:
        int("secret-of-a-stranger")
    except ValueError:
        logging.getLogger(logger).exception("Error handling secret-of-a-stranger")
    (line,) = lines(stream)
    assert line["error"] == "ValueError"
    assert "secret-of-a-stranger" not in stream.getvalue()
    assert "Traceback" not in stream.getvalue()


def test_the_access_log_is_off(stream):
    logs.configure("json", "debug", stream=stream)
    logging.getLogger("aiohttp.access").info("GET /")
    assert stream.getvalue() == ""


async def test_an_unhandled_exception_is_one_event_with_its_place_and_no_values(stream):
    logs.configure("json", "info", stream=stream)

    def fails():
        raise KeyError("secret-of-a-stranger")

    try:
        fails()
    except KeyError as error:
        logs.report_unhandled(
            asyncio.get_running_loop(),
            {"message": "Task exception was never retrieved", "exception": error},
        )
    (line,) = lines(stream)
    assert line["event"] == "unhandled_exception"
    assert line["error"] == "KeyError"
    assert line["where"][-1].endswith(" fails")
    assert "secret-of-a-stranger" not in stream.getvalue()
