"""The dispatcher in virtual time."""
