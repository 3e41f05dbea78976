"""The catalogue: resources, keys, manifests, matching."""
