"""JUnit: the outcomes of a run as the XML that continuous-integration servers read. Imports no torch."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable

from verify.outcome import Outcome, Status

# Characters that XML 1.0 cannot hold, whatever the encoding (Extensible Markup Language 1.0, §2.2).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_xml(outcomes: Iterable[Outcome]) -> str:
    """One test case an outcome: failures and what could not be judged fail, known deviations are skipped.

    A known deviation is reported as skipped with its reason, since JUnit has no word for an expected failure.
    """
    found = tuple(outcomes)
    suite = ElementTree.Element(
        "testsuite",
        name="torchstone",
        tests=str(len(found)),
        failures=str(sum(o.status in (Status.FAIL, Status.INCONCLUSIVE) for o in found)),
        skipped=str(sum(o.status in (Status.KNOWN, Status.SKIPPED) for o in found)),
        errors="0",
    )
    for outcome in found:
        name = " ".join(filter(None, (outcome.case, outcome.question, outcome.point)))
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"torchstone.{outcome.check}", name=_plain(name)
        )
        if outcome.status in (Status.FAIL, Status.INCONCLUSIVE):
            failure = ElementTree.SubElement(
                case, "failure", type=outcome.status.value, message=_plain(outcome.message)
            )
            failure.text = f"reproduce: {_plain(outcome.reproduce)}"
        elif outcome.status in (Status.KNOWN, Status.SKIPPED):
            ElementTree.SubElement(
                case, "skipped", message=_plain(f"{outcome.status.value}: {outcome.message}")
            )
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
