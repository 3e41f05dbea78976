"""All subscriptions, API keys and sources as one frozen snapshot with a revision, swapped whole."""
