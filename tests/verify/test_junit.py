from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.verify.sample_outcome import OUTCOME
from verify.junit import to_xml
from verify.outcome import Outcome, Status

# A busy machine is slow; that is no fault of what is tested.


def parsed(*outcomes: Outcome) -> ElementTree.Element:
    return ElementTree.fromstring(to_xml(outcomes).encode("utf-8"))


def with_status(status: Status) -> Outcome:
    return dataclasses.replace(OUTCOME, status=status)


def test_every_outcome_is_a_test_case_and_they_are_counted():
    suite = parsed(*(with_status(status) for status in Status), with_status(Status.PASS))
    counts = {key: suite.get(key) for key in ("tests", "failures", "skipped", "errors")}
    assert counts == {"tests": "6", "failures": "2", "skipped": "2", "errors": "0"}
    assert suite.tag == "testsuite"
    assert suite.get("name") == "torchstone"
    assert len(suite.findall("testcase")) == 6
    assert len(suite.findall("testcase/failure")) == 2
    assert len(suite.findall("testcase/skipped")) == 2


def test_a_run_of_nothing_is_an_empty_suite():
    assert parsed().get("tests") == "0"


@pytest.mark.parametrize("status", [Status.FAIL, Status.INCONCLUSIVE])
def test_what_fails_or_could_not_be_judged_is_a_failure_with_its_command(status):
    (case,) = parsed(with_status(status))
    (failure,) = case
    assert failure.tag == "failure"
    assert failure.get("type") == status.value
    assert failure.get("message") == OUTCOME.message
    assert failure.text == f"reproduce: {OUTCOME.reproduce}"


@pytest.mark.parametrize("status", [Status.KNOWN, Status.SKIPPED])
def test_what_is_known_or_could_not_run_is_skipped_with_the_reason(status):
    (case,) = parsed(with_status(status))
    (skip,) = case
    assert skip.tag == "skipped"
    assert skip.get("message") == f"{status.value}: {OUTCOME.message}"


def test_what_passes_says_no_more_than_its_name():
    (case,) = parsed(with_status(Status.PASS))
    assert list(case) == []
    assert case.attrib == {
        "classname": "torchstone.accuracy",
        "name": "softmax[cpu-float32-3x17-dim1] forward ordinary",
    }


def test_a_name_without_a_point_has_no_gap():
    (case,) = parsed(dataclasses.replace(OUTCOME, point=""))
    assert case.get("name") == "softmax[cpu-float32-3x17-dim1] forward"


# Every code point, those that no encoding can hold (lone surrogates) included.
anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)


def allowed(character: str) -> bool:
    """Extensible Markup Language 1.0, §2.2, production 2."""
    point = ord(character)
    return point in (9, 10, 13) or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000


@given(message=anything, point=anything, command=anything, status=st.sampled_from(Status))
@example("\x00\x0b\x1f\ufffe\uffff\ud800\udfff", "<&>\"'", "]]>", Status.FAIL)
@example("a\tb\nc", "\U0010ffff", "é", Status.KNOWN)
def test_the_file_parses_whatever_the_words_and_keeps_what_xml_can_hold(message, point, command, status):
    outcome = dataclasses.replace(OUTCOME, message=message, point=point, reproduce=command, status=status)
    (case,) = parsed(outcome)
    for node in case:
        prefix = "" if node.tag == "failure" else f"{status.value}: "
        kept = "".join(c if allowed(c) else "?" for c in message)
        assert re.sub("\r\n?", "\n", node.get("message")) == re.sub("\r\n?", "\n", prefix + kept)
    expected = f"{OUTCOME.case} forward {point}" if point else f"{OUTCOME.case} forward"
    kept = "".join(c if allowed(c) else "?" for c in expected)
    assert re.sub("\r\n?", "\n", case.get("name")) == re.sub("\r\n?", "\n", kept)
