"""The checks of samples: every module here with a `CHECK` record asks one question of every operator."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from verify.samples.check import SampleCheck


@functools.cache
def sample_checks() -> Mapping[str, SampleCheck]:
    """Every known check of samples by name."""
    modules = (importlib.import_module(info.name) for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    found = [module.CHECK for module in modules if hasattr(module, "CHECK")]
    return MappingProxyType({check.name: check for check in found})
