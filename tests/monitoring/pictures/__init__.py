"""
Pictures of the dashboards for the documentation, from a real run: `python -m tests.monitoring.pictures`.

Grafana draws better, and nobody can start it in a test. What is drawn here is what its panels ask, answered by a real
Prometheus that scraped real processes: the same titles, places, units, thresholds, names and colors, read from the
chart's JSON.
"""
