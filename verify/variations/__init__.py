"""The variations: every module here that holds a `VARIATION` record asks the same question in another way."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from verify.variation import Variation


@functools.cache
def variations() -> Mapping[str, Variation]:
    """Every known variation by name."""
    modules = (importlib.import_module(info.name) for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    found = [module.VARIATION for module in modules if hasattr(module, "VARIATION")]
    return MappingProxyType({variation.name: variation for variation in found})
