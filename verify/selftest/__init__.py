"""Selftest: how our checks, and torch's own, do on operations and gradients that are wrong on purpose."""
