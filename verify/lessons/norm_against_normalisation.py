"""Norm against normalisation: a number, a vector of length 1, and a layer norm, which is neither."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, normalize

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

A = Arithmetic.of("float64")
# Their documented defaults.
NORMALISE_EPS, LAYER_EPS = 1e-12, 1e-5


def _vector(*entries: float) -> Tensor:
    return torch.tensor(entries, dtype=torch.float64)


def _length(vector: Tensor) -> float:
    return float(torch.linalg.vector_norm(vector))


def _points(label: str, vectors: Tensor) -> Series:
    return Series.of(label, vectors[:, 0], vectors[:, 1], "points")


def _show() -> Demonstration:
    vector = _vector(3, 4)
    layer = layer_norm(vector, (2,))
    # Each entry is ±1/2 from the mean 7/2, and the variance is 1/4.
    spread = 0.5 / math.sqrt(0.25 + LAYER_EPS)
    figures = (
        Figure("norm of (3, 4)", _length(vector), 5.0, 0.0, "√25 is exact"),
        Figure(
            "norm of (3, 4) normalised",
            _length(normalize(vector, dim=0)),
            1.0,
            3 * A.u,
            "a quotient an entry (u), its square and their sum (2u, halved by the root), the root (u)",
        ),
        Figure("norm of 0 normalised", _length(normalize(_vector(0, 0), dim=0)), 0.0, 0.0, "0/ε = 0"),
        Figure(
            "norm of 10⁻¹³ (3, 4) normalised",
            _length(normalize(_vector(3e-13, 4e-13), dim=0)),
            0.5,
            5 * A.u * 0.5,
            "below ε = 10⁻¹² it divides by ε: the roundings of the entries, of ε, and of a normalisation",
        ),
        Figure(
            "norm of the layer norm of (3, 4)",
            _length(layer),
            math.sqrt(2) * spread,
            # The kernel may form x·r − mean·r, of sizes 8 and 7, r being 1/√(var + ε) with 3 roundings.
            math.sqrt(2) * (8 + 7 + 1 + 3) * A.u + 8 * A.u * math.sqrt(2),
            "x/√(var + ε) and mean/√(var + ε), of sizes 8 and 7, round before they cancel; then the norm's "
            "own roundings and those of the formula beside it",
        ),
        Figure(
            "sum of the layer norm of (3, 4)",
            float(layer.sum()),
            0.0,
            2 * (8 + 7 + 1) * A.u,
            "the entries are ±0.99998; each rounds at sizes 8 and 7 before they cancel",
        ),
    )
    angles = torch.linspace(0, 2 * math.pi, 25, dtype=torch.float64)[:-1] + 0.1
    size = 2.2 + torch.cos(3 * angles)
    vectors = torch.stack([size * torch.cos(angles), size * torch.sin(angles)], dim=1)
    picture = Picture(
        "Normalising keeps the direction; a layer norm of two entries leaves two places",
        "first entry",
        "second entry",
        (
            _points("vectors", vectors),
            _points("normalised: on the unit circle", normalize(vectors, dim=1)),
            _points("layer norm: near (1, −1) or (−1, 1)", layer_norm(vectors, (2,))),
        ),
        equal=True,
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="norm_against_normalisation",
    title="A norm is a number, a normalisation a vector",
    claim="Norm and normalisation are the same thing.",
    formula="‖x‖ = √Σ x_i²;  normalise(x) = x/max(‖x‖, ε);  layer norm(x) = (x − mean x)/√(var x + ε)",
    holds=False,
    source="torch.nn.functional.normalize and layer_norm; Ba, Kiros & Hinton 2016, Layer Normalization",
    show=_show,
    condition=(
        "‖x‖ is one number; x/‖x‖ a vector whose norm is 1, exactly if ‖x‖ ≥ ε. A layer norm takes the mean "
        "away first: n entries end with norm √n, less what ε takes, so it is √n times a normalisation "
        "exactly if the mean is 0 and ε is."
    ),
    counterexample="(3, 4): norm 5, normalised (0.6, 0.8), layer norm (−0.99998, 0.99998).",
)
