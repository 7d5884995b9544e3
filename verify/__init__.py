"""Verify: is an operation's result right, how accurate is it, and is its gradient the gradient?

The nouns, in the order data flows: `Operation` (declared once) → `Case` (operation on a device, in a
dtype, at a shape) → `Check` (a question asked of a case) → `Outcome` (measured against its bound).
This file stays empty of imports so that `verify.outcome` and `verify.storage` can be read without torch.
"""
