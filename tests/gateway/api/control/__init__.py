"""The control API over real sockets, store and catalogue."""
