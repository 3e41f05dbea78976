"""
What writes the chart's files that nobody writes by hand: ``make generate``.

``chart_values`` makes the schema and the table of the values from values.yaml, ``dashboards`` the JSON of the
Grafana dashboards from their panels. Nothing of it is installed; tests fail when a file is not up to date.
"""
