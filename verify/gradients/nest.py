"""Nest: what is passed to a function and returned by it, as a tree of lists, tuples and dicts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import torch


def leaves(tree: Any) -> Iterator[Any]:
    """What is not a list, a tuple (named ones among them) or a dict, in order."""
    if type(tree) in (dict, OrderedDict):
        tree = tree.values()
    elif type(tree) is not list and not isinstance(tree, tuple):
        yield tree
        return
    for item in tree:
        yield from leaves(item)


def tensors(tree: Any) -> Iterator[torch.Tensor]:
    """The tensors among the leaves."""
    return (leaf for leaf in leaves(tree) if isinstance(leaf, torch.Tensor))


def mapped(change: Callable[[torch.Tensor], torch.Tensor], tree: Any) -> Any:
    """The tree with every tensor changed; lists and dicts are new ones."""
    if isinstance(tree, torch.Tensor):
        return change(tree)
    if type(tree) in (dict, OrderedDict):
        return type(tree)((key, mapped(change, item)) for key, item in tree.items())
    if type(tree) is list:
        return [mapped(change, item) for item in tree]
    if isinstance(tree, tuple):
        items = [mapped(change, item) for item in tree]
        if all(new is old for new, old in zip(items, tree, strict=True)):
            return tree
        # A named tuple takes its fields one by one, torch's return types all at once.
        return getattr(type(tree), "_make", type(tree))(items)
    return tree
