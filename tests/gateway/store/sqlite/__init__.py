"""What only the SQLite store has: a writer process, a lock, a file on a disk that can be full."""
