"""The verdict on an address."""
