"""Singular: the singular value decomposition of one matrix, in float64 or enclosed in balls."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np

from verify.operation import Array


def singular_triplets(x: Array) -> tuple[Array, Array, Array]:
    """U, σ and V with x = U diag(σ) Vᵀ, the largest σ first; the signs of a pair of columns are free.

    In balls: the eigenvalues of xᵀx, which flint encloses and isolates, are σ²; its eigenvectors are V.
    Shapes: x (m, n) of full rank r = min(m, n) with distinct σ; U (m, r), σ (r,), V (n, r).
    Raises: ValueError where two singular values cannot be told apart.
    Source: Golub & Van Loan, Matrix Computations, 4th ed., §2.4 and §8.6.
    """
    if x.dtype != object:
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        return u, s, vt.T
    if x.shape[0] < x.shape[1]:
        v, s, u = singular_triplets(x.T)
        return u, s, v
    # Eigenvalues are isolated to within an absolute distance: a power of 2, exact, brings them near 1.
    scale = _power_of_two_near(x)
    x = x / scale
    gram = flint.arb_mat((x.T @ x).tolist())
    values, vectors = flint.acb_mat(gram).eig(right=True)
    order = sorted(range(len(values)), key=lambda i: -float(values[i].real.mid()))
    s = _objects([values[i].real.sqrt() for i in order])
    v = np.stack([_unit(_objects([vectors[j, i].real for j in range(x.shape[1])])) for i in order], axis=1)
    return (x @ v) / s, s * scale, v


def _power_of_two_near(x: Array) -> flint.arb:
    _, exponent = np.frexp(max(abs(float(entry.mid())) for entry in x.ravel()))
    return flint.arb(2) ** int(exponent)


def _objects(balls: list[flint.arb]) -> Array:
    made = np.empty(len(balls), dtype=object)
    made[:] = balls
    return made


def _unit(column: Array) -> Array:
    length: Any = (column * column).sum().sqrt()
    return np.asarray(column / length, dtype=object)
