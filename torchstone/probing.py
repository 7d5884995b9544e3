"""Probing: what each device adds and multiplies with, measured, stored and shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torchstone.console import can_write, progress_bar, say, usage
from verify.storage import NUMERICS, NUMERICS_SCHEMA, write_json


def numerics(device: list[str] | None, results: Path, json: Path | None, whole: bool = True) -> int:
    """Probe the devices and store their cards; print them `whole`, or only what is wrong.

    Returns: the exit status.
    """
    from reports import numerics_terminal
    from reports.numerics import cards_of

    with usage():
        chosen = _present(device)
        can_write(results / NUMERICS, json)
    document = _measured(chosen)
    write_json(results / NUMERICS, document)
    if json:
        write_json(json, document)
    cards = cards_of(document).cards
    for card in cards if whole else ():
        say(numerics_terminal.told(card), "")
    complaints = numerics_terminal.complaints(cards)
    say(*complaints, f"numerics: every proof and grade is in {results / NUMERICS}")
    return int(bool(complaints))


def _present(wanted: list[str] | None) -> tuple[str, ...]:
    """The devices to probe. Raises: ValueError for one that is not there, which would leave no card."""
    from verify import devices
    from verify.selection import chosen_devices

    chosen = chosen_devices(tuple(wanted or ()), devices.present())
    absent = [f"{name}: {reason}" for name in chosen if (reason := devices.absence(name))]
    if absent:
        raise ValueError("; ".join(absent))
    return chosen


def _measured(chosen: Sequence[str]) -> dict[str, Any]:
    """The cards of the devices, as one document of the schema `NUMERICS_SCHEMA`."""
    import datetime

    import torch

    from verify.machine import machine
    from verify.probes.card import to_json
    from verify.probes.measuring import card, steps

    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    cards = []
    with progress_bar() as progress:
        task = progress.add_task("numerics", total=sum(map(steps, chosen)))
        for name in chosen:

            def step(what: str, name: str = name) -> None:
                progress.update(task, advance=1, description=f"numerics {name} {what}")

            cards.append(to_json(card(name, step)))
    return {
        "schema": NUMERICS_SCHEMA,
        "measured": started,
        "torch": torch.__version__,
        "machine": machine(),
        "cards": cards,
    }
