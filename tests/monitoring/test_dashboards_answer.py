"""Every question of every dashboard is answered by a Prometheus that scraped real processes."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from tests.acceptance.harness import eventually
from tests.cluster.installation import API_KEY, installation
from tests.monitoring.dashboards import RULES, Expression, expressions, unanswered
from tests.monitoring.prometheus import Prometheus, job, prometheus
from tests.monitoring.traffic import BROKEN, GOOD, HELD, busy_gateway

RECORDING = RULES / "recording.yaml"
ALERT = {"alert": "HookgateTest", "expr": "hookgate_lane_state == 2", "labels": {"severity": "info"}}  # fmt: skip
ANSWERED_WITHIN = 40.0


async def all_answered(it: Prometheus, asked: Iterable[Expression]) -> None:
    """Come back when each has data."""
    left = list(asked)

    async def nothing_left() -> bool:
        left[:] = await unanswered(it, left)
        return not left

    try:
        await eventually(nothing_left, within=ANSWERED_WITHIN)
    except AssertionError:
        told = "\n".join(map(str, left))
        raise AssertionError(f"without data for {ANSWERED_WITHIN} s:\n{told}") from None


async def every_legend_has_its_label(it: Prometheus, asked: Iterable[Expression]) -> None:
    """A legend of `{{label}}`, or a column, that no series has would be empty for everybody."""
    for one in asked:
        wanted = {part.partition("}}")[0] for part in one.legend.split("{{")[1:]}
        wanted |= set(one.columns) - {"Value"}
        found = await it.until(one.expr)  # a target that was slow once has no samples for a second
        labels = {label for sample in found for label in sample.labels}
        assert wanted <= labels, one


@pytest.mark.acceptance
async def test_all_that_is_asked_of_the_gateway(tmp_path: Path) -> None:
    alert = tmp_path / "alert.yaml"
    alert.write_text(yaml.safe_dump({"groups": [{"name": "test", "rules": [ALERT]}]}))
    async with (
        busy_gateway(tmp_path) as gateway,
        prometheus(
            tmp_path / "prometheus",
            scrape_configs=[job("gateway", f"127.0.0.1:{gateway.metrics_port}")],
            rule_files=[RECORDING, alert],
        ) as it,
    ):
        overview = expressions(names=["hookgate-overview"])
        await all_answered(it, overview)
        await every_legend_has_its_label(it, overview)
        for subscription in (GOOD, BROKEN):
            asked = expressions(
                namespace="default", subscription=subscription, names=["hookgate-subscription"]
            )
            await all_answered(it, asked)
        assert await told(it, GOOD) == ("none", "closed", 1)
        assert await told(it, BROKEN) in (("none", "open", 0), ("none", "half open", 0))
        assert await told(it, HELD) == ("Suspended", "closed", None)


async def told(it: Prometheus, subscription: str) -> tuple[object, ...]:
    """What a subscription's dashboard says of it at the top: hold, breaker, and the share that succeeded."""
    asked = expressions(
        namespace="default", subscription=subscription, names=["hookgate-subscription"]
    )
    by_panel = {one.panel: one.expr for one in reversed(asked)}  # the first of a title
    (hold,) = await it.until(by_panel["Hold"])
    (breaker,) = await it.until(by_panel["Breaker"])
    share = await it.query(by_panel["Success ratio of attempts"])
    return (
        hold.labels["reason"],
        ("closed", "half open", "open")[int(breaker.value)],
        share[0].value if share else None,
    )


async def test_all_that_is_asked_of_the_operator(
    tmp_path, control_plane, crds_installed, namespace, kubectl
):
    """With a Secret that is missing and a key that cannot be used; and edits, so that there is work."""
    async with installation(tmp_path, control_plane.kubeconfig, namespaces=namespace) as hookgate:
        await hookgate.start()
        team = hookgate.team(kubectl)
        await team.settle()
        await team.apply(
            team.subscription(),
            team.subscription("unready", secrets=("nowhere",)),
            team.secret("short", API_KEY, **{"api-key": "short"}),
        )
        async with prometheus(
            tmp_path / "prometheus",
            scrape_configs=[job("operator", f"127.0.0.1:{hookgate.operator.port}")],
        ) as it:
            await it.until("hookgate_operator_leader")
            for number in range(3):
                await team.apply(team.subscription(f"another-{number}"))
            await team.ready("another-2")
            asked = expressions(names=["hookgate-operator"])
            await all_answered(it, asked)
            await every_legend_has_its_label(it, asked)
