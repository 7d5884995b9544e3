"""Vector against matrix norm: what the 1-, 2- and inf-norm mean for entries in a row and for a matrix."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

A = Arithmetic.of("float64")


def _of_entries(matrix: Tensor, order: float) -> float:
    return float(torch.linalg.vector_norm(matrix, order))


def _of_matrix(matrix: Tensor, order: float | str) -> float:
    # The two overloads take a number or a name.
    if isinstance(order, str):
        return float(torch.linalg.matrix_norm(matrix, order))
    return float(torch.linalg.matrix_norm(matrix, order))


def _corner_gradient(order: float) -> float:
    """How the 2-norm changes with the first entry of diag(3, 4)."""
    matrix = torch.diag(torch.tensor([3.0, 4.0], dtype=torch.float64)).requires_grad_()
    norm = torch.linalg.matrix_norm(matrix, order) if order else torch.linalg.vector_norm(matrix)
    return float(torch.autograd.grad(norm, matrix)[0][0, 0])


def _show() -> Demonstration:
    full = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    diagonal = torch.diag(torch.tensor([3.0, 4.0], dtype=torch.float64))
    whole = "sums of small whole numbers are exact"
    spectral = (
        "a backward stable method gives the singular values of a matrix within p·2u of ‖A‖₂ = 4, where p "
        "grows modestly with the size (LAPACK Users' Guide, §4.9), here 2"
    )
    stable = 2 * 2 * A.u * 4
    figures = (
        Figure("1-norm of the entries of [[1, 2], [3, 4]]", _of_entries(full, 1), 10.0, 0.0, whole),
        Figure("matrix 1-norm of [[1, 2], [3, 4]]", _of_matrix(full, 1), 6.0, 0.0, whole),
        Figure("inf-norm of the entries of [[1, 2], [3, 4]]", _of_entries(full, math.inf), 4.0, 0.0, whole),
        Figure("matrix inf-norm of [[1, 2], [3, 4]]", _of_matrix(full, math.inf), 7.0, 0.0, whole),
        Figure("2-norm of the entries of diag(3, 4)", _of_entries(diagonal, 2), 5.0, 0.0, "√25 is exact"),
        Figure("Frobenius norm of diag(3, 4)", _of_matrix(diagonal, "fro"), 5.0, 0.0, "√25 is exact"),
        Figure("matrix 2-norm of diag(3, 4)", _of_matrix(diagonal, 2), 4.0, stable, spectral),
        Figure(
            "nuclear norm of diag(3, 4)", _of_matrix(diagonal, "nuc"), 7.0, 2 * stable, spectral + "; twice"
        ),
        Figure(
            "slope of the matrix 2-norm along the first entry of diag(3, 4)",
            _corner_gradient(2),
            0.0,
            # The gap to the next singular value is 1.
            2 * stable,
            "u₁v₁ᵀ has no part there; a singular vector errs by the matrix's error over the gap, which is 1",
        ),
        Figure(
            "slope of the Frobenius norm along the first entry of diag(3, 4)",
            _corner_gradient(0),
            0.6,
            4 * A.u * 0.6,
            "3/5: a division, a product and the rounding of 0.6 on either side",
        ),
    )
    angles = torch.linspace(0, 2 * math.pi, 121, dtype=torch.float64)
    circle = torch.stack([torch.cos(angles), torch.sin(angles)])
    image = diagonal @ circle
    picture = Picture(
        "The matrix 2-norm is the largest stretch; the entries' 2-norm is another number",
        "x",
        "y",
        (
            Series.of("unit circle", *circle),
            Series.of("its image under diag(3, 4)", *image),
            Series.of("radius 4: matrix 2-norm", *(4 * circle)),
            Series.of("radius 5: 2-norm of the entries", *(5 * circle)),
        ),
        equal=True,
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="vector_against_matrix_norm",
    title="A matrix's norm is not the norm of its entries",
    claim="The 2-norm of a matrix is the root of the sum of its squared entries, as it is for a vector.",
    formula="‖A‖_F = √Σ σ_i²;  ‖A‖₂ = σ₁ = max ‖Ax‖/‖x‖;  ‖A‖_* = Σ σ_i;  ‖A‖₁, ‖A‖_∞: column, row sums",
    holds=False,
    source="Golub & Van Loan, Matrix Computations, 4th ed., §2.3; torch.linalg.matrix_norm",
    show=_show,
    condition=(
        "‖A‖₂ = ‖A‖_F exactly if A has rank 1 or 0; else ‖A‖₂ < ‖A‖_F ≤ √rank·‖A‖₂. torch.linalg.matrix_norm "
        "takes the Frobenius norm unless told otherwise."
    ),
    counterexample="diag(3, 4): its entries have the 2-norm 5, it stretches no vector more than 4 times.",
)
