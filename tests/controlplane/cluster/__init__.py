"""The adapter of the cluster: what decides without asking."""
