"""Tests of the reconciliation of WebhookSubscriptions."""
