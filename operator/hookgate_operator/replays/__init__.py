"""
WebhookReplays: begun once at the gateway, followed to their end, cancelled with their object.
"""
