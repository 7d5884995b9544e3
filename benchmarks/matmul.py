"""Matrix products: is this machine's BLAS used, and how much of it?"""

from benchmarks._operations import _Operations


class Matmul(_Operations, subjects=("matmul",)):
    """Products, the affine maps on them, einsum: bound by arithmetic when large, by memory when thin."""
