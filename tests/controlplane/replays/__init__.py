"""WebhookReplays, reconciled: the plan as a table, the rest against a real gateway."""
