"""The laws: every module here that holds a `LAW` record says what must hold of every call of a kind."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from verify.law import Law


@functools.cache
def laws() -> Mapping[str, Law]:
    """Every known law by name."""
    modules = (importlib.import_module(info.name) for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    found = [module.LAW for module in modules if hasattr(module, "LAW")]
    return MappingProxyType({law.name: law for law in found})
