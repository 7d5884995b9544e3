"""Layout: where in memory a tensor's entries lie. Every layout holds the same values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

_PADDING = 3


def laid_out(tensor: torch.Tensor, layout: str) -> torch.Tensor:
    """The same values in another layout. Raises: ValueError for an unknown one."""
    if layout not in LAYOUTS:
        raise ValueError(f"unknown layout {layout!r}: one of {', '.join(LAYOUTS)}")
    return LAYOUTS[layout](tensor)


def _transposed(tensor: torch.Tensor) -> torch.Tensor:
    """The last two dimensions stored the other way round."""
    return tensor.mT.contiguous().mT if tensor.ndim >= 2 else tensor.contiguous()


def _strided(tensor: torch.Tensor) -> torch.Tensor:
    """Every second entry, from the second place on, of a buffer twice as wide."""
    if tensor.ndim == 0:
        return tensor.contiguous()
    wide = _unlike(tensor, (*tensor.shape[:-1], 2 * tensor.shape[-1]))
    wide[..., 1::2] = tensor
    return wide[..., 1::2]


def _offset(tensor: torch.Tensor) -> torch.Tensor:
    """Without gaps, but from the second place of its memory on: not aligned to what a vector load likes."""
    buffer = _unlike(tensor, (tensor.numel() + 1,))
    buffer[1:] = tensor.reshape(-1)
    return buffer[1:].view(tensor.shape)


def _padded(tensor: torch.Tensor) -> torch.Tensor:
    """A view of the first columns of a wider tensor."""
    if tensor.ndim == 0:
        return tensor.contiguous()
    wide = _unlike(tensor, (*tensor.shape[:-1], tensor.shape[-1] + _PADDING))
    wide[..., : tensor.shape[-1]] = tensor
    return wide[..., : tensor.shape[-1]]


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """Images with the channels beside each other, as convolutions like them."""
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor.contiguous()


def _unlike(tensor: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Memory around a tensor that shows when it is read: nan, or where there is none the largest number."""
    if tensor.is_floating_point() or tensor.is_complex():
        return tensor.new_full(shape, torch.nan)
    if tensor.dtype == torch.bool:
        return tensor.new_zeros(shape)
    return tensor.new_full(shape, torch.iinfo(tensor.dtype).max)


LAYOUTS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = MappingProxyType(
    {
        "contiguous": torch.Tensor.contiguous,
        "transposed": _transposed,
        "strided": _strided,
        "offset": _offset,
        "padded": _padded,
        "channels last": _channels_last,
    }
)
