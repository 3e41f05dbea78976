"""
WebhookSubscriptions: what the gateway is to hold, how they stand, and how that is told.
"""
