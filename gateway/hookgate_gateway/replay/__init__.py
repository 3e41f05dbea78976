"""New deliveries of stored events: the original ones stay as they were."""
