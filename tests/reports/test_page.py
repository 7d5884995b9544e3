from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from reports import notation
from reports.page import web_address
from reports.report import write_report
from reports.strips import Axis

KINDS = ("pass", "fail", "interrupted", "damaged", "outcomes", "speeds", "empty")
# What a browser fetches by itself when it meets it; a plain link is followed only by a reader.
FETCHED = {"src", "srcset", "href", "xlink:href", "data", "poster", "action", "formaction", "background"}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(params=KINDS)
def page(request, written) -> str:
    return written(request.param).read_text(encoding="utf-8")


def test_the_page_asks_for_nothing_from_outside(page):
    for tag, attributes in Page(page).tags:
        for name in FETCHED & set(attributes):
            if tag == "a":
                continue
            assert (attributes[name] or "").startswith(("data:", "#")), (tag, attributes)
    assert not re.search(r"url\(|@import", page)


def test_every_link_within_the_page_leads_somewhere(page):
    tags = Page(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in tags:
        href = attributes.get("href") or ""
        if tag == "a" and href.startswith("#"):
            assert href[1:] in ids


def test_every_table_has_a_caption_and_every_heading_cell_a_scope(page):
    tags = Page(page).tags
    assert sum(tag == "table" for tag, _ in tags) == sum(tag == "caption" for tag, _ in tags)
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")


def test_the_report_tells_where_it_is_and_what_it_found(results):
    folder = results("damaged")
    report = write_report(folder)
    assert report.path == folder / "report.html"
    assert report.verdict.startswith("torch 2.13.0 on AMD EPYC")
    assert len(report.complaints) == 3
    text = report.path.read_text()
    assert "0badc0de-virtualenv.json" in text
    assert report.findings.verdict.word == "fail"


def test_the_page_goes_where_it_is_told(results, tmp_path):
    target = tmp_path / "elsewhere" / "page.html"
    assert write_report(results("pass"), target).path == target
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_the_same_findings_give_the_same_page(results):
    folder = results("fail")
    assert write_report(folder).path.read_bytes() == write_report(folder).path.read_bytes()


def test_two_thousand_outcomes_fit_in_one_and_a_half_megabytes(results):
    report = write_report(results("fail"))
    assert len(report.findings.run.outcomes) > 2000
    assert report.path.stat().st_size < 1_500_000


def test_what_was_stored_is_shown_as_text_and_never_run(sample, verified):
    hostile = "<script>alert(1)</script>"
    record = sample.failing(
        operation="<b>", question=hostile, point='"><i>', check="<u>", issue="javascript:x"
    )
    record |= {"message": hostile, "reproduce": hostile, "unit": "</style>"}
    folder = verified([record, sample.outcome("known", operation="<b>", issue='https://x/"><s>')])
    folder.joinpath("outcomes", "<img src=x>.json").write_text("{")
    text = write_report(folder).path.read_text()
    assert "&lt;b&gt;" in text
    for tag in ("<b>[", hostile, "<u>", "<s>", "<img", '"><i>', 'href="javascript'):
        assert tag not in text


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("empty", "nothing was verified"),
        ("empty", "No speed is stored here"),
        ("speeds", "No run of <code>torchstone verify</code> is stored here"),
        ("outcomes", "No speed is stored here"),
        ("interrupted", "partial run"),
        ("pass", "No failure, and nothing inconclusive."),
        ("damaged", "newer than the run shown here"),
        ("fail", "hardsigmoid"),
        ("fail", "torch 2.13.0 sees no mps device"),
    ],
)
def test_the_page_says_plainly(written, kind, said):
    assert said in written(kind).read_text()


def test_a_run_with_nothing_judged_is_never_called_right(sample, verified):
    text = write_report(verified([sample.outcome("skipped")])).path.read_text()
    assert "nothing can be called right" in text
    assert "No failure" not in text


@pytest.mark.parametrize(
    ("issue", "link"),
    [("https://a.b/1", "https://a.b/1"), ("pytorch#1", None), ("data:x", None), (None, None)],
)
def test_only_a_web_address_becomes_a_link(issue, link):
    assert web_address(issue) == link


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (0.0, "0"),
        (0.0312, "0.0312"),
        (3.1e-7, "3.10e-7"),
        (160.0, "160"),
        (99_940.0, "99,940"),
        (999.96, "1,000"),
        (2.6e5, "2.60e5"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_is_written_to_three_figures(value, text):
    assert notation.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "1.23 s"), (5.3e-6, "5.30 µs"), (2e-10, "0.200 ns"), (None, "—")]
)
def test_a_time_carries_the_unit_that_fits(value, text):
    assert notation.seconds(value) == text


def test_an_axis_is_logarithmic_and_keeps_everything_on_it():
    axis = Axis(-4, 2)
    assert axis.position(1e-4) == 0
    assert axis.position(0.1) == pytest.approx(50)
    assert axis.position(0) == 0
    assert axis.position(1e9) == axis.position(float("inf")) == 100
    assert (round(axis.position(1)), "1") in axis.ticks()


def test_a_page_is_made_without_torch(results):
    folder = results("fail")
    code = (
        "import sys; from pathlib import Path; from reports.report import write_report; "
        "write_report(Path(sys.argv[1])); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    assert (folder / "report.html").exists()


def test_a_stale_deviation_is_shown_with_its_points_and_what_it_was(written):
    text = written("pass").read_text(encoding="utf-8")
    row = text[text.index("Stale: listed, but no longer seen") :]
    assert "gradient against the certified reference, ordinary, at the middle" in row
    assert "<td>2.98e-8 of the value (torch 2.12.0, cpu)</td>" in row
