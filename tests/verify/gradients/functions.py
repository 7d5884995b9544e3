"""Functions whose gradients are altered on purpose, and inputs for them."""

from __future__ import annotations

import torch


def drawn(*shape, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=generator).requires_grad_()


def altered(function, alter, tangent=None):
    """A function whose backward is torch's, altered; and whose forward mode is, where `tangent` is given."""

    class Altered(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(*inputs):
            return function(*inputs)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, *cotangents):
            _, pullback = torch.func.vjp(function, *ctx.saved_tensors)
            return tuple(alter(v) for v in pullback(cotangents if len(cotangents) > 1 else cotangents[0]))

        @staticmethod
        def jvp(ctx, *tangents):
            return (tangent or (lambda t: t))(torch.func.jvp(function, ctx.saved_tensors, tangents)[1])

    return Altered.apply


def softmax(x):
    return torch.softmax(x, 0)
