"""The catalogue: every `Operation` record found in this package's modules, one module a subject.

An operation is added by writing one record in one of these modules, or in a Python file of your own
named in the environment variable `TORCHSTONE_OPERATIONS` (several: separated as in `PATH`). Checks,
benchmarks and reports read this catalogue and need no other edit.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from verify.ceilings import CEILINGS
from verify.operation import Operation, Workload

OWN_OPERATIONS = "TORCHSTONE_OPERATIONS"
_OWN = "torchstone_own_"


@functools.cache
def catalogue() -> Mapping[str, Operation]:
    """Every known operation by name.

    Raises: ValueError if two records share a name; ImportError if an own file cannot be loaded.
    """
    found: dict[str, Operation] = {}
    for module in _modules():
        records = [record for record in vars(module).values() if isinstance(record, Operation)]
        if not records and module.__name__.startswith(_OWN):
            raise ImportError(f"{module.__file__} holds no Operation record")
        for record in records:
            if found.setdefault(record.name, record) is not record:
                raise ValueError(
                    f"two operations are named {record.name!r}; the second is in {module.__file__}"
                )
    return MappingProxyType(found)


def _modules() -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield importlib.import_module(info.name)
    for path in dict.fromkeys(filter(None, os.environ.get(OWN_OPERATIONS, "").split(os.pathsep))):
        yield _load(Path(path))


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{_OWN}{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"{OWN_OPERATIONS}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its own module up here while it is being made
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file may raise anything
        raise ImportError(f"{OWN_OPERATIONS}: {path}: {type(error).__name__}: {error}") from error
    return module


def describe() -> dict[str, Any]:
    """The catalogue as JSON, for readers that do not import torch. Units: flops, elements moved."""
    return {
        "schema": "torchstone.catalogue/2",
        "operations": [_describe(operation) for operation in catalogue().values()],
        "ceilings": [vars(ceiling) for ceiling in CEILINGS],
    }


def ordinary(operation: Operation) -> str:
    """What the sampler of ordinary inputs draws, in the first sentence of its own docstring."""
    told = inspect.getdoc(operation.domain.sample) or ""
    return told.partition("\n\n")[0].replace("\n", " ")


def _describe(operation: Operation) -> dict[str, Any]:
    def workload(w: Workload) -> dict[str, Any]:
        cost = operation.cost(w)
        return {
            "label": w.label,
            "shapes": [list(shape) for shape in w.shapes],
            "options": {key: str(value) for key, value in w.options.items()},
            "layout": w.layout,
            "flops": cost.flops,
            "elements": cost.elements,
            "written": cost.written,
        }

    return {
        "name": operation.name,
        "subject": operation.subject,
        "formula": operation.forward.text,
        "gradient": operation.vjp.text if operation.vjp else None,
        "source": operation.forward.source,
        "gradient_source": operation.vjp.source if operation.vjp else None,
        "ordinary": ordinary(operation),
        "hard": [hard.name for hard in operation.domain.hard if not hard.far],
        "far": [hard.name for hard in operation.domain.hard if hard.far],
        "identities": [identity.name for identity in operation.identities],
        "special": [special.name for special in operation.special],
        "refuses": [refusal.name for refusal in operation.refuses],
        "dtypes": list(operation.dtypes),
        "check": [w.label for w in operation.check],
        "bench": [workload(w) for w in operation.bench],
    }
