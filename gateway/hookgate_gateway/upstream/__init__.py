"""A Skyvern server that runs what clients ask for; its webhooks become durable on their way through here."""
