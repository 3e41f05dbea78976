"""The operator as a process: leadership, probes, start-up."""
