"""Invariance: the same question in another way, and how far apart the answers are."""
