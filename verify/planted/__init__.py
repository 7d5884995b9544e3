"""Planted gradients: wrong on purpose, and right, to score a gradient checker with.

A fault (`faults.py`, one table) is planted in hosts (`host.py`: the catalogue's operations and a few
composed functions); `planted()` gives every pair and its right twin.
"""

from verify.planted.gradient import PlantedGradient
from verify.planted.planting import planted

__all__ = ["PlantedGradient", "planted"]
