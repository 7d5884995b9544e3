"""The lessons: every module here that holds a `LESSON` record shows one claim that is no single operation."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from verify.lesson import Lesson


@functools.cache
def lessons() -> Mapping[str, Lesson]:
    """Every known lesson by name. Raises: ValueError if two share a name."""
    found: dict[str, Lesson] = {}
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        lesson = getattr(importlib.import_module(info.name), "LESSON", None)
        if lesson is None:
            continue  # what several lessons share
        if found.setdefault(lesson.name, lesson) is not lesson:
            raise ValueError(f"two lessons are named {lesson.name!r}; the second is in {info.name}")
    return MappingProxyType(found)
