"""
API keys and sources: Secrets by their labels, handed to the gateway.
"""
