"""Sample tables: what came of many checks of torch's own operators, check by check. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from reports.terminal import STYLES
from reports.verdict import SEVERITY
from verify.outcome import Outcome, Status

_SAMPLES, _SECONDS = "samples", "seconds"
_ORDER = (Status.PASS, Status.KNOWN, Status.FAIL, Status.INCONCLUSIVE, Status.SKIPPED)


def troubles(outcomes: Sequence[Outcome]) -> list[Text]:
    """What is known, fails or could not be judged: the worst of each operator, check and dtype, in lines."""
    grouped: dict[tuple[Status, str, str, str], list[Outcome]] = {}
    for o in outcomes:
        if o.status not in (Status.PASS, Status.SKIPPED):
            grouped.setdefault((o.status, o.check, o.operation, o.dtype), []).append(o)
    ranks = list(SEVERITY)
    lines = []
    for key, members in sorted(grouped.items(), key=lambda item: (ranks.index(item[0][0]), *item[0][1:])):
        status, check = key[:2]
        worst = max(members, key=lambda o: o.measured or 0.0)
        others = f" (and {len(members) - 1} more)" if len(members) > 1 else ""
        line = Text.assemble((f"{status.value}  ", STYLES[status]), f"{check} {worst.message}{others}")
        if status in (Status.FAIL, Status.INCONCLUSIVE):
            line.append("\n      reproduce: ").append(worst.reproduce, style="bold")
        lines.append(line)
    return lines


def reasons(outcomes: Iterable[Outcome]) -> Table:
    """Why samples were skipped, with how many there were of each check."""
    table = Table("skipped", "samples", "why", box=None, pad_edge=False, header_style="bold")
    counts: Counter[tuple[str, str]] = Counter()
    for o in outcomes:
        if o.status is Status.SKIPPED:
            counts[o.check, o.message.partition("skipped, ")[2]] += _samples(o)
    for (check, why), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1])):
        table.add_row(check, f"{count:,}", Text(why))
    return table


def counted(outcomes: Sequence[Outcome]) -> Table:
    """Check by check how many operators and samples there are; a sample may have several statuses."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("check", "operators", *(s.value for s in _ORDER), "seconds"):
        table.add_column(name, justify="left" if name == "check" else "right")
    for check in dict.fromkeys(o.check for o in outcomes):
        own = [o for o in outcomes if o.check == check]
        by_status = [sum(_samples(o) for o in own if o.status is status) for status in _ORDER]
        seconds = sum(o.figures.get(_SECONDS, 0.0) for o in own)
        operators = len({o.operation for o in own})
        cells = [
            Text(f"{n:,}", style=STYLES[s] if n else "dim") for n, s in zip(by_status, _ORDER, strict=True)
        ]
        table.add_row(check, str(operators), *cells, f"{seconds:.0f}")
    return table


def _samples(outcome: Outcome) -> int:
    """How many samples an outcome speaks of."""
    return int(outcome.figures.get(_SAMPLES, 1.0))
