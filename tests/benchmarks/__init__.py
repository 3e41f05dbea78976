"""What judges the measurements must itself be right."""
