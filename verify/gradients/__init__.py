"""Gradients: autograd's derivatives of any function, held against finite differences.

`function` runs a callable, `check` asks the questions, `report` says what came of them, and `drop_in`
gives them the face of `torch.autograd.gradcheck`.
"""
