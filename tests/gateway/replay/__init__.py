"""New deliveries of stored events."""
