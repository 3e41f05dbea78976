"""The real command as a process, real receivers, real files: what a user would see."""
