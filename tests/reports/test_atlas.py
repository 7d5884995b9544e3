"""The range atlas: bands read from outcomes, and laid out on the axis of their dtype."""

from __future__ import annotations

import dataclasses

import pytest

from reports.atlas import Atlas, Band, atlas, bands, position
from reports.page import render
from reports.report import read_findings
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.outcome import Outcome, Status

FIGURES = {
    "binades": 254.0,
    "binades lost": 3.0,
    "first lost": 4.0,
    "right from 2^-126": 3.0,
    "lost from 2^4": 6.0,
    "right from 2^7": 127.0,
}


def outcome(**changes) -> Outcome:
    blank = Outcome(
        operation="tanh", implementation="eager", device="cpu", dtype="float32", workload="7", check="range",
        question="gradient of input 0", point="every input scaled", status=Status.KNOWN, measured=3.0,
        bound=0.0, unit="binades lost", seed=1, message="lost", reproduce="", figures=FIGURES,
    )  # fmt: skip
    return dataclasses.replace(blank, **changes)


def test_bands_are_read_from_the_figures():
    assert bands(outcome()) == (Band("right", -126, 3), Band("lost", 4, 6), Band("right", 7, 127))


@pytest.mark.parametrize("dtype", DTYPES)
def test_positions_rise_from_edge_to_edge(dtype):
    least, greatest = Arithmetic.of(dtype).exponents
    places = [position(e, dtype) for e in range(least, greatest + 2)]
    assert places == sorted(places)
    assert 0 <= places[0] < 5
    assert places[-1] == 100
    assert position(0, dtype) == 50
    labels = [label for _, label in Atlas((), (), {}).ticks(dtype)]
    assert labels == [str(least).replace("-", "−"), "0", str(greatest + 1)]


def test_a_strip_shows_result_and_gradients():
    forward = outcome(
        question="forward",
        status=Status.PASS,
        measured=0.0,
        figures={"binades lost": 0.0, "right from 2^-126": 127.0},
    )
    drawn = atlas([forward, outcome()], ["relu", "tanh"])
    assert (drawn.operations, drawn.dtypes) == (("tanh",), ("float32",))
    strip = drawn.strips["tanh", "float32"]
    assert strip.counts == (0, 3)
    assert strip.told == "gradient of input 0 lost from 2^4 to 2^6"
    assert strip.lost == f"M{position(4, 'float32'):.4g} 14H{position(7, 'float32'):.4g}"
    assert strip.right.count("M") == 3
    assert strip.status is Status.KNOWN


def test_a_failure_is_not_hidden_behind_what_is_known():
    failed = outcome(
        question="forward", status=Status.FAIL, figures={"binades lost": 1.0, "lost from 2^5": 5.0}
    )
    assert atlas([outcome(), failed], ["tanh"]).strips["tanh", "float32"].status is Status.FAIL


def test_other_points_checks_and_devices_are_left_out():
    others = [outcome(check="accuracy"), outcome(point="input 0 scaled"), outcome(point="ordinary")]
    assert not atlas(others, ["tanh"]).strips
    assert len(atlas([outcome(), outcome(device="cuda", dtype="float64")], ["tanh"]).strips) == 1


def test_the_page_works_without_an_atlas(tmp_path):
    page = render(read_findings(tmp_path))
    assert 'id="atlas"' in page
    assert "The run asked nothing of it." in page
