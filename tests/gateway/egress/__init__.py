"""The sender against real receivers on loopback."""
