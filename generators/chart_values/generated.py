"""
The files of a chart that are made from its values.yaml.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from generators.chart_values.maps import maps_template
from generators.chart_values.schema import schema
from generators.chart_values.source import read_values
from generators.chart_values.table import with_table

__all__ = ["generated_files"]


def generated_files(chart: Path) -> Mapping[str, str]:
    """Their texts, by their names in the chart. Raises UndocumentedValue, and ValueError for a README without marks."""
    values = read_values((chart / "values.yaml").read_text(encoding="utf-8"))
    return {
        "values.schema.json": json.dumps(schema(values), indent=2, ensure_ascii=False) + "\n",
        "templates/validate/_maps.tpl": maps_template(values),
        "README.md": with_table((chart / "README.md").read_text(encoding="utf-8"), values),
    }
