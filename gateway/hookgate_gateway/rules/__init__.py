"""The pure rules: values in, verdicts out. No clock, no chance, no I/O."""
