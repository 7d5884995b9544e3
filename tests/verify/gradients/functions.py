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


def unchanged(v):
    return v


def sine(backward=unchanged, tangent=unchanged):
    """sin, with its gradient and its tangent altered; unlike `altered`'s, both work under vmap."""

    class Sine(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return backward(g * ctx.saved_tensors[0].cos())

        @staticmethod
        def jvp(ctx, t):
            return tangent(t * ctx.saved_tensors[0].cos())

    return Sine.apply


def in_a_batch(alter):
    """Alter what is computed under vmap alone."""
    functorch = torch._C._functorch

    def altered(v):
        batched = functorch.is_functorch_wrapped_tensor(v) or functorch.is_legacy_batchedtensor(v)
        return alter(v) if batched else v

    return altered
