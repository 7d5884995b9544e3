"""Buffer: memory that a result is to be written into, with a margin that must stay as it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from verify.layout import laid_out
from verify.variation import differs


@dataclass(frozen=True)
class Buffer:
    """A tensor somewhere in a larger piece of memory, and what that memory held before."""

    tensor: torch.Tensor
    whole: torch.Tensor
    before: torch.Tensor

    @property
    def margin_changed(self) -> bool:
        """Whether memory beside the tensor holds something else than before."""
        beside = torch.ones_like(self.whole, dtype=torch.bool)
        place = self.tensor.shape, self.tensor.stride(), self.tensor.storage_offset()
        beside.as_strided(*place).fill_(False)
        return bool((differs(self.whole, self.before) & beside).any())


def buffer(values: torch.Tensor, layout: str) -> Buffer:
    """Values in a layout, with all that lies around them in memory."""
    tensor = laid_out(values.clone(memory_format=torch.contiguous_format), layout)
    length = tensor.untyped_storage().nbytes() // tensor.element_size()
    whole = tensor.as_strided((length,), (1,), 0)
    return Buffer(tensor, whole, whole.clone())


def unwritten(like: torch.Tensor) -> torch.Tensor:
    """What a result must replace: nan, or where there is none the largest number."""
    if like.is_floating_point() or like.is_complex():
        return torch.full_like(like, torch.nan, memory_format=torch.contiguous_format)
    if like.dtype is torch.bool:
        return torch.ones_like(like, memory_format=torch.contiguous_format)
    return torch.full_like(like, torch.iinfo(like.dtype).max, memory_format=torch.contiguous_format)
