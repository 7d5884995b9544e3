"""Finite differences: derivatives along a line that report their own error interval."""
