"""Verdict: what a run comes to, in one word, one tone and one plain sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reports.outcomes import Run
from verify.outcome import Status

# From the worst to the mildest: the order in which everything is listed.
SEVERITY = (Status.FAIL, Status.INCONCLUSIVE, Status.KNOWN, Status.PASS, Status.SKIPPED)
NOTHING = "nothing was verified"
# A sign and a word each, so that no status is told by its colour alone.
SIGNS = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.INCONCLUSIVE: "?",
    Status.KNOWN: "≈",
    Status.SKIPPED: "–",
}


@dataclass(frozen=True)
class Verdict:
    """A run's verdict.

    `word` is `fail`, `inconclusive`, `pass` or `nothing was verified`. `partial` says that the run did
    not come to its end, so that even a pass covers only what it had finished. `counts` has one number
    a status.
    """

    word: str
    sentence: str
    partial: bool
    counts: Mapping[Status, int]

    @property
    def judged(self) -> int:
        """The outcomes that say something: passed, failed, or failed as known."""
        return self.counts[Status.PASS] + self.counts[Status.FAIL] + self.counts[Status.KNOWN]

    @property
    def tone(self) -> str:
        """How the page is to look: the word itself, but `partial` for a pass that is not the whole run."""
        if self.word == NOTHING:
            return "nothing"
        return "partial" if self.word == "pass" and self.partial else self.word


def verdict(run: Run | None) -> Verdict:
    """Any failure fails; else anything inconclusive is inconclusive; else something judged passes."""
    counted = Counter(outcome.status for outcome in run.outcomes) if run else Counter()
    counts = {status: counted[status] for status in SEVERITY}
    judged = sum(counts[status] for status in (Status.PASS, Status.FAIL, Status.KNOWN))
    if counts[Status.FAIL]:
        word = "fail"
    elif counts[Status.INCONCLUSIVE]:
        word = "inconclusive"
    else:
        word = "pass" if judged else NOTHING
    return Verdict(word, _sentence(run, counts, judged), run is not None and run.partial, counts)


def _sentence(run: Run | None, counts: Mapping[Status, int], judged: int) -> str:
    if run is None:
        return "Nothing was verified: there is no stored run that can be read."
    subject = f"torch {run.torch.get('version', '(unknown version)')}"
    place = run.machine.get("cpu") or run.machine.get("name")
    subject += f" on {place}" if place else ""
    parts = []
    if counts[Status.FAIL]:
        parts.append(counted(counts[Status.FAIL], "failure"))
    if counts[Status.INCONCLUSIVE]:
        parts.append(f"{counts[Status.INCONCLUSIVE]:,} inconclusive")
    if counts[Status.KNOWN]:
        parts.append(counted(counts[Status.KNOWN], "known deviation"))
    if judged:
        passed = counts[Status.PASS]
        everything = "all " if passed == judged else f"{passed:,} of "
        parts.append(f"{everything}{counted(judged, 'judged outcome')} pass{'es' * (passed == judged == 1)}")
    else:
        parts.append("nothing was verified" if not parts else "nothing could be judged")
    partial = " The run is partial: this is what it had finished." if run.partial else ""
    return f"{subject}: {', '.join(parts)}.{partial}"


def counted(number: int, noun: str) -> str:
    """`1 failure`, `2 failures`, `1,196 judged outcomes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
