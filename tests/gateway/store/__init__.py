"""The stores held to the promises of the ports."""
