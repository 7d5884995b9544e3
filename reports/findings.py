"""Findings: everything a page says, as data. Pure: from what was read to what is to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.accuracy import AccuracyRow, accuracy
from reports.asv_results import StoredSpeeds
from reports.atlas import Atlas, atlas
from reports.catalogue import Catalogue
from reports.correctness import Cell, Change, Group, changes, comparable, groups, matrix
from reports.invariance import Matrix, invariance
from reports.numerics import StoredCards
from reports.ordering import listed
from reports.outcomes import Run, StoredRuns
from reports.speed import Speeds, speeds
from reports.verdict import Verdict, verdict
from verify.outcome import Outcome, Status

NO_CARDS = StoredCards()


@dataclass(frozen=True)
class Findings:
    """What a page shows.

    `run` is the run it is about (None: none could be read), `runs` all runs on file, oldest first.
    `operations` and `checks` give the order of the matrix; `matrix` is keyed by (operation, check).
    """

    verdict: Verdict
    run: Run | None
    runs: tuple[Run, ...]
    operations: tuple[str, ...]
    checks: tuple[str, ...]
    matrix: Mapping[tuple[str, str], Cell]
    invariance: Matrix
    atlas: Atlas
    failing: tuple[Group, ...]
    inconclusive: tuple[Group, ...]
    known: tuple[Outcome, ...]
    skipped: tuple[tuple[str, int], ...]
    compared_with: Run | None
    changes: tuple[Change, ...]
    accuracy: tuple[AccuracyRow, ...]
    speeds: Speeds
    catalogue: Catalogue
    numerics: StoredCards
    complaints: tuple[str, ...]


def findings(
    stored: StoredRuns, timed: StoredSpeeds, catalogue: Catalogue, numerics: StoredCards = NO_CARDS
) -> Findings:
    """Judge the newest run and lay out its figures beside the newest times."""
    run = stored.subject
    outcomes = run.outcomes if run else ()
    before = comparable(stored.runs)
    names = {o.operation for o in outcomes} | set(map(str, timed.frame["operation"]))
    operations = listed(names, catalogue.entries)
    return Findings(
        verdict=verdict(run),
        run=run,
        runs=stored.runs,
        operations=tuple(name for name in operations if any(o.operation == name for o in outcomes)),
        # Checks are listed in the order in which the run asked them.
        checks=tuple(dict.fromkeys(o.check for o in outcomes)),
        matrix=matrix(run) if run else {},
        invariance=invariance(outcomes),
        atlas=atlas(outcomes, operations),
        failing=groups(outcomes, Status.FAIL),
        inconclusive=groups(outcomes, Status.INCONCLUSIVE),
        known=tuple(
            sorted((o for o in outcomes if o.status is Status.KNOWN), key=lambda o: (o.operation, o.check))
        ),
        skipped=_skipped(outcomes),
        compared_with=before,
        changes=changes(before, run) if before and run else (),
        accuracy=accuracy(run, operations) if run else (),
        speeds=speeds(timed.frame, catalogue, operations),
        catalogue=catalogue,
        numerics=numerics,
        complaints=(
            *stored.complaints,
            *timed.complaints,
            *catalogue.complaints,
            *numerics.complaints,
        ),
    )


def _skipped(outcomes: tuple[Outcome, ...]) -> tuple[tuple[str, int], ...]:
    reasons: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.status is Status.SKIPPED:
            reason = outcome.message or "no reason given"
            reasons[reason] = reasons.get(reason, 0) + 1
    return tuple(sorted(reasons.items(), key=lambda item: -item[1]))


def summary(found: Findings) -> list[tuple[str, str]]:
    """The findings in a few labelled lines, for a terminal: (label, text)."""
    lines = [("verdict", found.verdict.word + (" (partial run)" if found.verdict.partial else ""))]
    lines.append(("summary", found.verdict.sentence))
    lines += [(status.value, f"{count:,}") for status, count in found.verdict.counts.items() if count]
    for label, found_groups in (("fail", found.failing), ("inconclusive", found.inconclusive)):
        lines += [(label, o.message or o.case) for group in found_groups for o in group.outcomes]
    if found.compared_with is not None:
        lines.append(("changed", f"{len(found.changes):,} since the run of {found.compared_with.started}"))
    if found.run:
        lines += [("stale", f"{s['operation']} {s['check']}: {s['issue']}") for s in found.run.stale]
    for row in found.speeds.slowest[:3]:
        lines.append(
            ("slowest", f"{row.operation} {row.workload} {row.dtype} {row.device}: {row.fraction:.0%}")
        )
    lines += [("damaged", complaint) for complaint in found.complaints]
    return lines
