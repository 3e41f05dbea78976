"""The story of ``hookgate dev``, its parts and its words."""
