"""The client of the control API, tried against the real control application."""
