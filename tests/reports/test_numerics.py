import copy
import json

import pytest
from rich.console import Console

from reports import numerics, numerics_terminal
from reports.report import read_findings, write_report
from verify.probes.card import NumericsCard, Products, to_json
from verify.probes.fact import Fact
from verify.probes.grade import Grade
from verify.probes.order import Order
from verify.probes.tree import Tree
from verify.storage import NUMERICS, NUMERICS_SCHEMA, write_json

PAIRS = Tree(4, ((0, 1), (2, 3), (4, 5)))
STAIR = Tree(4, ((0, 1), (2, 4), (3, 5)))


def products(dtype, mode, bits, explained=0.5):
    facts = (
        Fact("left operand, bits", f"all {bits}", "(1 + 2^−7) · 1 = 1 + 2^−7"),
        Fact("subnormal <results>", "flushed to 0", "2^−126 · 2^−1 = 0", regular=False),
    )
    grades = (
        Grade((4, 5, 6), "contiguous", 1, 4, 0.1, 0.2, explained, 24),
        Grade((4, 5, 6), "strided", 2, None, 0.1, 0.3, explained / 2, 24),
    )
    return Products(dtype, mode, bits, bits, facts, grades)


def card(explained=0.5, medium=24):
    return NumericsCard(
        device="cpu",
        description="AVX512",
        products=(
            products("float64", "default", 53),
            products("float32", "highest", 24, explained),
            products("float32", "high", 24),
            products("float32", "medium", medium),
        ),
        orders=(
            Order("sum", "float64", 4, PAIRS, "float64", ""),
            Order("sum", "float32", 4, PAIRS, "", ""),
            Order("a row of a product", "float32", 4, STAIR, "float32", ""),
            Order("a row of a product", "float16", 4, None, "", "no unit is ever absorbed"),
        ),
        millions=5e-7,
    )


def document(*cards):
    return {
        "schema": NUMERICS_SCHEMA,
        "measured": "2026-01-02T03:04:05+00:00",
        "torch": "2.13.0",
        "machine": {"cpu": "AMD <EPYC>"},
        "cards": [to_json(each) for each in cards],
    }


def shown(measured):
    console = Console(width=numerics_terminal.WIDTH, file=None, record=True, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(numerics_terminal.told(measured))
    return captured.get()


def test_what_was_written_is_read(tmp_path):
    write_json(tmp_path / NUMERICS, document(card()))
    read = numerics.read_numerics(tmp_path)
    assert read.cards == (card(),)
    assert (read.torch, read.machine, read.complaints) == ("2.13.0", "AMD <EPYC>", ())


def test_no_file_is_no_complaint(tmp_path):
    assert numerics.read_numerics(tmp_path) == numerics.StoredCards()


def spoil(change):
    spoilt = copy.deepcopy(document(card()))
    change(spoilt)
    return spoilt


@pytest.mark.parametrize(
    "damaged",
    [
        "no JSON",
        [],
        {},
        spoil(lambda d: d.update(schema="torchstone.numerics/9")),
        spoil(lambda d: d.update(cards=[{}])),
        spoil(lambda d: d.update(machine=None)),
        spoil(lambda d: d["cards"][0]["orders"][0]["tree"].update(nodes=[[0, 1]])),
        spoil(lambda d: d["cards"][0]["products"][0]["grades"][0].update(shape=[1, 2])),
        spoil(lambda d: d["cards"][0].update(millions="many")),
    ],
    ids=range(9),
)
def test_a_damaged_file_is_named_and_the_page_written_without_it(tmp_path, damaged):
    path = tmp_path / NUMERICS
    path.write_text(damaged if isinstance(damaged, str) else json.dumps(damaged), encoding="utf-8")
    (complaint,) = numerics.read_numerics(tmp_path).complaints
    assert str(path) in complaint
    assert complaint in read_findings(tmp_path).complaints
    page = write_report(tmp_path).path.read_text(encoding="utf-8")
    assert "No numerics card is stored here" in page


def test_the_page_shows_facts_proofs_grades_and_drawn_orders(tmp_path):
    write_json(tmp_path / NUMERICS, document(card(explained=1.5)))
    page = write_report(tmp_path).path.read_text(encoding="utf-8")
    section = page[page.index('<section id="numerics"') :]
    section = section[: section.index("</section>")]
    assert "subnormal &lt;results&gt;" in section
    assert "AMD &lt;EPYC&gt;" in section
    assert "2^−126 · 2^−1 = 0" in section
    assert section.count('class="beyond"') == 1
    assert section.count("<svg") == 2
    assert "no unit is ever absorbed" in section


def test_modes_with_the_same_answers_share_a_column():
    labels = [column.label for column in numerics.columns(card())]
    assert labels == ["float64", "float32 (highest, high, medium)"]
    labels = [column.label for column in numerics.columns(card(medium=8))]
    assert labels == ["float64", "float32 (highest, high)", "float32 (medium)"]


def test_the_grade_nearest_to_what_is_explained_is_shown():
    assert numerics.worst(products("float32", "highest", 24)).layout == "contiguous"
    assert numerics.worst(Products("float32", "high", 24, 24, (), ())) is None


def test_a_tree_is_drawn_once_with_all_whose_it_is():
    drawn = numerics.drawings(card(), 16)
    assert [each.whose for each in drawn] == [
        "sum in float64 and float32, 4 terms",
        "a row of a product in float32, 4 terms",
    ]
    assert numerics.drawings(card(), 3) == ()


def test_the_terminal_shows_everything_in_a_hundred_columns():
    text = shown(card())
    assert max(map(len, text.splitlines())) <= 100
    for word in ("Numerics card of cpu", "flushed to 0", "2^−126 · 2^−1 = 0", "not told", "Σ", "5.00e-7"):
        assert word in text
    assert "none that reproduces it" in text


def test_a_card_without_surprises_lists_none():
    regular = Products("float64", "default", 53, 53, (Fact("algorithm", "classical", "seen"),), ())
    text = shown(NumericsCard("cpu", "", (regular,), (), 0.0))
    assert "Other than a loop" not in text
    assert "classical" in text
