"""What the writer process does, one module for each kind of frame. Imports only sqlite3 and orjson."""
