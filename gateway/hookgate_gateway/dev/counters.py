"""
The counters of a scrape, and which of them changed between two.
"""

from collections.abc import Mapping

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["changed", "counters", "scrape"]


async def scrape(metrics: str) -> dict[str, float]:
    """The counters that a gateway exposes at ``metrics`` now."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
        session.get(f"{metrics}/metrics") as answer,
    ):
        answer.raise_for_status()
        return counters(await answer.text())


def counters(exposition: str) -> dict[str, float]:
    """The counters of hookgate by name and labels, as they are written in the exposition."""
    return {
        f"{sample.name}{_labels(sample.labels)}": sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if family.type == "counter"
        and sample.name.startswith("hookgate_")
        and sample.name.endswith("_total")
    }


def changed(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """By how much each counter grew, those that did."""
    growth = {name: value - before.get(name, 0.0) for name, value in sorted(after.items())}
    return {name: more for name, more in growth.items() if more > 0}


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
