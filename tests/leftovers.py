"""
What a test on the cluster leaves open is told at that test.

A socket or transport that nobody closed warns when it is collected, which else happens in some later test.
With PYTHONTRACEMALLOC=20 in the environment it is told where each was made, too.
"""

import gc
import sys
import tracemalloc
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest


def pytest_runtestloop() -> None:
    """What is there before the first test is not looked at again and again: a look takes 10 ms, not 100."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """After its fixtures are gone. Warnings are errors here, and errors while collecting are told to a hook."""
    yield
    if item.get_closest_marker("cluster"):
        with unraisable() as left:
            gc.collect()
        if left:
            pytest.fail("\n".join(["left behind:", *left]), pytrace=False)


@contextmanager
def unraisable() -> Iterator[list[str]]:
    """The errors within the block that could not be raised, as texts."""
    told: list[str] = []

    def tell(error: "sys.UnraisableHookArgs") -> None:
        told.append(f"{error.exc_value!r} in {error.object!r}")
        if tracemalloc.is_tracing() and (made := tracemalloc.get_object_traceback(error.object)):
            told.extend(made.format())

    before, sys.unraisablehook = sys.unraisablehook, tell
    try:
        yield told
    finally:
        sys.unraisablehook = before
