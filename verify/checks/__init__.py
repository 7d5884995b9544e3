"""The checks: every module here that holds a `CHECK` record asks one question of every case."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from verify.check import Check


@functools.cache
def checks() -> Mapping[str, Check]:
    """Every known check by name."""
    modules = (importlib.import_module(info.name) for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    found = [module.CHECK for module in modules if hasattr(module, "CHECK")]
    return MappingProxyType({check.name: check for check in found})
