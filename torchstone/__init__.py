"""torchstone: are the numerics on this machine right, how accurate are they, and how fast?

The few public names (`from torchstone import Operation, verify`), each imported when it is first asked for;
torch comes with the first that needs it. The command line is `torchstone.command_line`.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "Operation": "verify.operation",
    "Formula": "verify.operation",
    "Workload": "verify.operation",
    "HardInput": "verify.operation",
    "Domain": "verify.operation",
    "Identity": "verify.operation",
    "Cost": "verify.operation",
    "Special": "verify.operation",
    "Refusal": "verify.operation",
    "Batch": "verify.operation",
    "analysed": "verify.formulas.analysis",
    "Arithmetic": "verify.formulas.arithmetic",
    "Case": "verify.case",
    "Check": "verify.check",
    "Outcome": "verify.outcome",
    "Status": "verify.outcome",
    "Run": "verify.run",
    "verify": "verify.run",
    "check_gradient": "verify.gradients.check",
    "GradientReport": "verify.gradients.report",
    "gradcheck": "verify.gradients.drop_in",
    "gradgradcheck": "verify.gradients.drop_in",
    "write_report": "reports.report",
}
__all__ = ["main", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: none of them is needed to print `--help`."""
    if name not in _PUBLIC:
        raise AttributeError(
            f"module 'torchstone' has no attribute {name!r}; it has {', '.join(sorted(_PUBLIC))}"
        )
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def main() -> None:
    """Run the command line."""
    from torchstone.command_line import app

    app()
