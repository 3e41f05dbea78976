"""
``python -m generators.chart_values CHART``: write the files of a chart that are made from its values.yaml.
"""

import sys
from pathlib import Path

from generators.chart_values.generated import generated_files

if __name__ == "__main__":
    chart = Path(sys.argv[1])
    for name, text in generated_files(chart).items():
        (chart / name).write_text(text, encoding="utf-8")
