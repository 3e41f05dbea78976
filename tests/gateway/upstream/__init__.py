"""Runs that a Skyvern server runs."""
