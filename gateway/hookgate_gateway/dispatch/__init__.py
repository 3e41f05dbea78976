"""From what is owed to attempts and their record: ownership, backlog, lanes, slots, record."""
