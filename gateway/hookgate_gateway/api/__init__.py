"""The HTTP side: translates requests into calls and results into answers. No SQL, no policy."""
