"""Catalogue: the formulas, sources and costs that `torchstone verify` stored beside its outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from verify.ceilings import Ceiling
from verify.storage import CATALOGUE, Unreadable, read_json

SCHEMA = "torchstone.catalogue/2"


@dataclass(frozen=True)
class Cost:
    """The least work of one call. Units: flops, and elements read plus written, and those written."""

    flops: float
    elements: float
    written: float


@dataclass(frozen=True)
class Entry:
    """What is said about one operation.

    `formula`, and `gradient` (None: it has none), each with the source of its bound; `ordinary` inputs, and
    the names of the `hard` ones and of those `far` out; what it is held to by name; and its workloads.
    """

    name: str
    subject: str
    formula: str
    gradient: str | None
    source: str
    gradient_source: str | None
    ordinary: str
    hard: tuple[str, ...]
    far: tuple[str, ...]
    identities: tuple[str, ...]
    special: tuple[str, ...]
    refuses: tuple[str, ...]
    dtypes: tuple[str, ...]
    check: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """The operations by name in the catalogue's own order, the cost of each workload, and the ceilings."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    costs: Mapping[tuple[str, str], Cost] = field(default_factory=dict)
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


def read_catalogue(results: Path) -> Catalogue:
    """Read `<results>/catalogue.json`; empty where there is none or it is damaged."""
    path = results / CATALOGUE
    if not path.exists():
        return Catalogue()
    try:
        return catalogue_from_json(read_json(path))
    except Unreadable as error:
        return Catalogue(complaints=(str(error),))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Catalogue(complaints=(f"{path}: {type(error).__name__} {error}",))


def catalogue_from_json(document: Mapping[str, Any]) -> Catalogue:
    """The catalogue that `verify.operations.describe` describes. Raises: KeyError, TypeError, ValueError."""
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']!r}, not {SCHEMA!r}")
    operations = document["operations"]
    return Catalogue(
        entries={o["name"]: _entry(o) for o in operations},
        costs={
            (o["name"], w["label"]): Cost(float(w["flops"]), float(w["elements"]), float(w["written"]))
            for o in operations
            for w in o["bench"]
        },
        ceilings={c["label"]: Ceiling(**c) for c in document["ceilings"]},
    )


def _entry(operation: Mapping[str, Any]) -> Entry:
    told = ((field.name, operation[field.name]) for field in fields(Entry))
    held: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told}
    return Entry(**held)
