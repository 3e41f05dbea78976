"""Alerts, dashboards and the metrics that they read."""
