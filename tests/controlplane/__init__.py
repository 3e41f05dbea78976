"""Tests of the operator, the control plane."""
