"""The composition root: starting, stopping, logs."""
