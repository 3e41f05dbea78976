"""The control plane's programs, built from Kubernetes' own Go modules and kept in a cache folder."""
