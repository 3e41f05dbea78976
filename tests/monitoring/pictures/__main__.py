"""Runs the story and writes `docs/pictures/*.svg`: eight minutes, an API server included."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.acceptance.harness import ROOT
from tests.monitoring.dashboards import NAMES, dashboard
from tests.monitoring.pictures import run as story
from tests.monitoring.pictures.answers import Window, answered
from tests.monitoring.pictures.picture import picture

FOLDER = ROOT / "docs/pictures"
STEP = 5.0
EVERY_INSTALLATION = {"cluster": ".*", "job": ".*"}
CHOSEN = {
    "hookgate-overview": {**EVERY_INSTALLATION, "namespace": ".*"},
    "hookgate-subscription": {
        **EVERY_INSTALLATION,
        "namespace": "shop",
        "subscription": "invoices",
    },
    "hookgate-operator": {**EVERY_INSTALLATION, "namespace": ".*"},
}


async def pictures(minutes: float) -> dict[str, str]:
    """The files' texts, by name."""
    with tempfile.TemporaryDirectory() as home:
        async with story.run(Path(home), minutes) as told:
            window = Window(told.start, told.end, STEP, story.EVERY)
            drawn: dict[str, str] = {}
            for name in NAMES:
                shown = dashboard(name)
                panels = [p for p in shown["panels"] if p["type"] != "row"]
                answers = {
                    p["id"]: await answered(told.prometheus, p, window, CHOSEN[name])
                    for p in panels
                }
                drawn[f"{name}.svg"] = picture(shown, answers, window)
            return drawn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.monitoring.pictures")
    parser.add_argument("--minutes", type=float, default=story.MINUTES)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, text in asyncio.run(pictures(options.minutes)).items():
        (options.folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
