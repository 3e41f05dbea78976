"""Tests of the work queue, its workers, resync and wake-ups."""
