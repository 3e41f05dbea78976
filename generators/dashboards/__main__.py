"""Writes the dashboards into a folder: ``python -m generators.dashboards charts/hookgate/files/dashboards``."""

import json
import sys
from pathlib import Path

from generators.dashboards import ALL
from generators.dashboards.grafana import rendered


def written() -> dict[str, str]:
    """The files' texts, by name."""
    return {
        f"{dashboard.uid}.json": json.dumps(rendered(dashboard), indent=2, ensure_ascii=False)
        + "\n"
        for dashboard in ALL
    }


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
