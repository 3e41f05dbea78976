"""Twenty minutes of everything at once: mixed receivers, reloads, kills, replays, and books that must balance."""
