"""Tests of the reconciliation of key Secrets."""
