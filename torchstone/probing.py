"""Probing: what each device adds and multiplies with, measured, stored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torchstone.console import can_write, progress_bar, say, usage
from verify.storage import NUMERICS, NUMERICS_SCHEMA, write_json


def numerics(device: list[str] | None, results: Path, json: Path | None, whole: bool = True) -> int:
    """Probe the devices and store their cards; print them `whole`, or only what is wrong.

    Returns: the exit status.
    """
    import datetime

    import torch

    from reports import numerics_terminal
    from reports.numerics import cards_of
    from verify import devices
    from verify.machine import machine
    from verify.probes.card import to_json
    from verify.probes.measuring import card, steps
    from verify.selection import chosen_devices

    with usage():
        chosen = chosen_devices(tuple(device or ()), devices.present())
        absent = [f"{name}: {reason}" for name in chosen if (reason := devices.absence(name))]
        if absent:
            raise ValueError("; ".join(absent))
        can_write(results / NUMERICS, json)
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    cards = []
    with progress_bar() as progress:
        task = progress.add_task("numerics", total=sum(map(steps, chosen)))
        for name in chosen:

            def step(what: str, name: str = name) -> None:
                progress.update(task, advance=1, description=f"numerics {name} {what}")

            cards.append(to_json(card(name, step)))
    document: dict[str, Any] = {
        "schema": NUMERICS_SCHEMA,
        "measured": started,
        "torch": torch.__version__,
        "machine": machine(),
        "cards": cards,
    }
    write_json(results / NUMERICS, document)
    if json:
        write_json(json, document)
    shown = cards_of(document)
    for each in shown.cards if whole else ():
        say(numerics_terminal.told(each), "")
    for each in shown.cards:
        for products in each.short:
            say(
                f"fail  {each.device} {products.dtype} {products.mode}: {products.operands} bits are left of "
                f"an operand, and the mode promises {products.promised}"
            )
    unexplained = [(each, *found) for each in shown.cards for found in each.unexplained]
    for each, products, grade in unexplained:
        rows, inner, columns = grade.shape
        threads = "1 thread" if grade.threads == 1 else f"{grade.threads} threads"
        say(
            f"fail  {each.device} {products.dtype} {products.mode}, {rows}×{inner}×{columns} {grade.layout} "
            f"on {threads}: the error is {grade.explained:.3g} times what its order, random "
            "roundings and the mode explain"
        )
    say(f"numerics: every proof and grade is in {results / NUMERICS}")
    return int(bool(unexplained) or any(each.short for each in shown.cards))
