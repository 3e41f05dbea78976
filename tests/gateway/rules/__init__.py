"""The pure rules, as tables and as properties."""
