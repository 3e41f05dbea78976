"""Who is calling, which bytes, accepted or not: the way in, which ends at a receipt."""
