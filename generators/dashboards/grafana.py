"""
A dashboard in Grafana's model: the JSON that Grafana 10 and later import.

It has no ids of an installation and no name of a datasource, so that everybody can import it as it is.
"""

from collections.abc import Iterator
from typing import Final

from generators.dashboards.grafana_panels import PROMETHEUS, Json, panel_json
from generators.dashboards.model import Dashboard, Row, Variable

__all__ = ["rendered"]

_SCHEMA: Final = 38  # Grafana 10.0
_COLUMNS: Final = 24
_TAG: Final = "hookgate"


def rendered(dashboard: Dashboard) -> Json:
    """The dashboard as Grafana takes it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [_TAG],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one crosshair for all panels
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": dashboard.since, "to": "now"},
        "links": [_others()],
        "annotations": {"list": []},
        "templating": {"list": [_datasource(), *map(_variable, dashboard.variables)]},
        "panels": list(_placed(dashboard)),
    }


def _others() -> Json:
    return {
        "type": "dashboards",
        "title": "hookgate",
        "tags": [_TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "The other dashboards of hookgate",
        "url": "",
    }


def _datasource() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
    }


def _variable(variable: Variable) -> Json:
    chosen = {"selected": True, "text": "All", "value": "$__all"} if variable.several else {}
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": PROMETHEUS,
        "query": {"query": variable.query, "refId": variable.name},
        "refresh": 2,  # when the time range changes
        "sort": 1,
        "multi": variable.several,
        "includeAll": variable.several,
        **({"allValue": variable.all} if variable.all else {}),
        "current": chosen,
        "hide": 0,
    }


# ------------------------------------------------------------------------------------------- panels


def _placed(dashboard: Dashboard) -> Iterator[Json]:
    number, y = 1, 0
    for row in dashboard.rows:
        yield _heading(row, number, y)
        number, y = number + 1, y + 1
        x = height = 0
        for panel in row.panels:
            if x + panel.width > _COLUMNS:
                x, y, height = 0, y + height, 0
            yield panel_json(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height})
            number, x, height = number + 1, x + panel.width, max(height, panel.height)
        y += height


def _heading(row: Row, number: int, y: int) -> Json:
    return {
        "type": "row",
        "id": number,
        "title": row.title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": _COLUMNS, "h": 1},
        "panels": [],
    }
