"""Samples: questions that need no record, asked of every operator that torch ships sample inputs for."""
