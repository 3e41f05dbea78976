"""The control API: what the operator declares and asks. Its own listener, its own token, no secrets out."""
