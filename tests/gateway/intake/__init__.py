"""The way in: parsing, batching, verifying sources."""
