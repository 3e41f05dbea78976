"""
A panel in Grafana's model: its targets, its field configuration, the options of its kind.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from generators.dashboards.model import Panel, Query

__all__ = ["PROMETHEUS", "Json", "panel_json"]

Json = dict[str, Any]

_POINTS: Final = 240
"""Of a line. As many as pixels would cost Prometheus seconds where there are thousands of subscriptions."""

PROMETHEUS: Final = {"type": "prometheus", "uid": "${datasource}"}
"""Whatever data source is chosen above the dashboard."""


def panel_json(panel: Panel, number: int, place: Mapping[str, int]) -> Json:
    """The panel as Grafana takes it, ``number`` of its dashboard, at a place of the grid."""
    made: Json = {
        "type": panel.kind,
        "id": number,
        "title": panel.title,
        "description": panel.description,
        "datasource": PROMETHEUS,
        "gridPos": dict(place),
        "targets": [_target(panel, n, query) for n, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": _OPTIONS[panel.kind](panel),
    }
    if panel.kind == "timeseries":
        made["maxDataPoints"] = _POINTS
    if panel.kind == "table":
        made["transformations"] = [_columns(panel)]
    return made


def _target(panel: Panel, number: int, query: Query) -> Json:
    instant = panel.kind in ("stat", "table")
    return {
        "refId": chr(ord("A") + number),
        "datasource": PROMETHEUS,
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
        "lineWidth": 0 if panel.stacked else 1,  # a line of nothing would lie on the one below
        "fillOpacity": 70 if panel.stacked else 0,
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


def _table(panel: Panel) -> Json:
    """The most of it first, where there is a number."""
    most = [panel.columns["Value"]] if "Value" in panel.columns and not panel.names else []
    return {
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [{"displayName": column, "desc": True} for column in most],
    }


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
