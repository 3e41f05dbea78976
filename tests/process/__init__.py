"""What the processes have in common."""
