"""Kills at random moments, full disks, stops under load: each with a ledger of what was promised."""
