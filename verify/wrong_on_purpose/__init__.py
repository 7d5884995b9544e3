"""Operations that are wrong on purpose: each is one of the catalogue with a planted fault.

Every module here lists in `planted()` the faults that one check must see. A check is only worth its name
while it fails these, and passes the untouched operation; a new table is one module.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from verify.wrong_on_purpose.fault import Fault

__all__ = ["Fault", "planted"]


@functools.cache
def planted() -> tuple[Fault, ...]:
    """Every planted fault."""
    modules = (importlib.import_module(info.name) for info in pkgutil.iter_modules(__path__, f"{__name__}."))
    return tuple(fault for module in modules if hasattr(module, "planted") for fault in module.planted())
