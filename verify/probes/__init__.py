"""Probes: pure functions from an implementation to facts about how it computes. They know no operation."""
