"""The benchmark: hookgate beside a bare signed HTTP loop, in the same run on the same machine."""
