"""
promtool, and expressions asked of series that are written down, at a minute, without a Prometheus that runs.

    promtool("check", "rules", file) -> what it said and how it left
    gives("sum(x)", {'x{a="b"}': "0+60x30"}, minute=20, answers={"{}": 1200}, home=tmp_path)

`gives` is an AssertionError with promtool's own words when the answers are others. Without the program tests skip,
and fail where CI=true.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.monitoring.prometheus import debian_program


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What it said, and its exit code."""
    return subprocess.run(
        [debian_program("promtool"), *arguments], capture_output=True, text=True, check=False
    )


def gives(
    expr: str,
    series: Mapping[str, str],
    *,
    minute: int,
    answers: Mapping[str, float],
    home: Path,
) -> None:
    """`series` have a value a minute, in promtool's notation; `answers` are values by labels."""
    look = {
        "expr": expr,
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": labels, "value": value} for labels, value in answers.items()],
    }
    given = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": given, "promql_expr_test": [look]}
    file = home / "asked.yaml"
    file.write_text(yaml.safe_dump({"tests": [test]}))
    told = promtool("test", "rules", file)
    assert told.returncode == 0, told.stdout + told.stderr
