"""Formulas: how a record's NumPy is evaluated, in float64, in balls and with a running error, and judged."""
