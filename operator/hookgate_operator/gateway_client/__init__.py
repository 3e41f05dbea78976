"""The gateway's control API over HTTP: the adapter of :class:`hookgate_operator.ports.Gateway`."""
