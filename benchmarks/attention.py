"""Attention: two products of matrices with a softmax between them, and room to keep it all in cache."""

from benchmarks._operations import _Operations


class Attention(_Operations, subjects=("attention",)):
    """scaled_dot_product_attention: bound by arithmetic for many queries, by reading the keys for one."""
