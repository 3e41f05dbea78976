"""``hookgate dev``: all of it on a laptop, told as a story that checks itself."""
