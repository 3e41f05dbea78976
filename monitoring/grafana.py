"""
A dashboard in Grafana's model: the JSON that Grafana 10 and later import.

It has no ids of an installation and no name of a datasource, so that everybody can import it as it is.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from monitoring.dashboards import Dashboard, Panel, Query, Row, Variable

__all__ = ["rendered"]

Json = dict[str, Any]

_SCHEMA: Final = 38  # Grafana 10.0
_COLUMNS: Final = 24
_TAG: Final = "hookgate"
_PROMETHEUS: Final = {"type": "prometheus", "uid": "${datasource}"}


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
        "refresh": "30s",
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
        "datasource": _PROMETHEUS,
        "query": {"query": variable.values, "refId": variable.name},
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
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height})
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


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> Json:
    made: Json = {
        "type": panel.kind,
        "id": number,
        "title": panel.title,
        "description": panel.description,
        "datasource": _PROMETHEUS,
        "gridPos": dict(place),
        "targets": [_target(panel, n, query) for n, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _OPTIONS[panel.kind](panel),
    }
    if panel.kind == "table":
        made["transformations"] = [_columns(panel)]
    return made


def _target(panel: Panel, number: int, query: Query) -> Json:
    instant = panel.kind in ("stat", "table")
    return {
        "refId": chr(ord("A") + number),
        "datasource": _PROMETHEUS,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if panel.kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> Json:
    defaults: Json = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "thresholds": {
            "mode": "absolute",
            "steps": [
                {"value": None, "color": panel.base},
                *({"value": value, "color": color} for value, color in panel.steps),
            ],
        },
        "mappings": _mappings(panel),
    }
    if panel.kind == "timeseries":
        defaults |= {"custom": _lines(panel), "min": 0}
    if panel.kind == "state-timeline":
        defaults["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    if panel.highest is not None:
        defaults["max"] = panel.highest
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.empty is not None:
        defaults["noValue"] = panel.empty
    if panel.link is not None:
        title, url = panel.link
        defaults["links"] = [{"title": title, "url": url, "targetBlank": False}]
    return defaults


def _lines(panel: Panel) -> Json:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if panel.stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
    }


def _mappings(panel: Panel) -> list[Json]:
    named = {
        f"{value:g}": {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(panel.names.items())
    }
    return [{"type": "value", "options": named}] if named else []


def _overrides(panel: Panel) -> Iterator[Json]:
    for name, color in panel.colors.items():
        yield {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }


# ------------------------------------------------------------------------------- options by kind


def _timeseries(_: Panel) -> Json:
    return {
        "legend": {
            "displayMode": "table",
            "placement": "bottom",
            "showLegend": True,
            "calcs": ["lastNotNull", "max"],
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _stat(panel: Panel) -> Json:
    return {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "textMode": "name" if panel.shows_name else "auto",
    }


def _table(_: Panel) -> Json:
    return {"showHeader": True, "cellHeight": "sm"}


def _state_timeline(_: Panel) -> Json:
    return {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.9,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }


_OPTIONS: Final = {
    "timeseries": _timeseries,
    "stat": _stat,
    "table": _table,
    "state-timeline": _state_timeline,
}


def _columns(panel: Panel) -> Json:
    """The table's columns in their order, called as the panel calls them; the others are hidden."""
    hidden = {name: True for name in ("Time", "Value") if name not in panel.columns}
    return {
        "id": "organize",
        "options": {
            "excludeByName": hidden,
            "indexByName": {name: index for index, name in enumerate(panel.columns)},
            "renameByName": dict(panel.columns),
        },
    }
