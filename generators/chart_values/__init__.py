"""
The chart's values.yaml read as what it is a description of: its schema and its table are made from it.

``source`` reads the values with the comments above them, ``schema`` makes values.schema.json, ``table`` the
table of the chart's README, ``maps`` the list of those that must not be null. ``python -m generators.chart_values CHART``
writes them all; tests fail when they are not up to date.
"""
