"""The default engine: one file, one writer process, one gateway. ``store.SqliteStore`` is its front."""
