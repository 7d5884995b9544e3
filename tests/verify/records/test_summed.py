"""A gradient as a sum: of which input, of which terms, and in which places."""

from __future__ import annotations

import torch

from verify.records.summed import of_gradient


def test_the_gradient_that_is_asked_of_is_that_of_the_input_at_its_position():
    """Each result is 3x + kb for the k-th of them."""
    terms = torch.tensor([2.0, 7.0, 1.0])

    def function(x, b):
        return 3 * x + torch.arange(3.0) * b

    def inputs(terms):
        return torch.zeros_like(terms), terms.new_zeros(())

    assert of_gradient(1, inputs).call(function, terms) == 0 * 2 + 1 * 7 + 2 * 1
    assert of_gradient(0, inputs).call(function, terms) == 3 * 2
    assert of_gradient(1, inputs).of == "the gradient of input 1"


def test_the_terms_lie_along_the_dimension_that_is_named():
    """Of rows of terms each row is the gradient of an entry, along columns of a column's."""
    terms = torch.tensor([2.0, 7.0, 1.0])
    across = of_gradient(0, lambda terms: (terms.new_zeros(4, 1), terms.new_ones(1, len(terms))), along=1)
    assert across.call(torch.mul, terms) == 2 + 7 + 1
    down = of_gradient(0, lambda terms: (terms.new_zeros(1, 4), terms.new_ones(len(terms), 1)))
    assert down.call(torch.mul, terms) == 2 + 7 + 1
