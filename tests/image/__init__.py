"""The image, without a container engine: what its Dockerfile says, done by hand, and run as a pod would run it."""
