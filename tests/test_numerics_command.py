import json

import pytest
import torch
from typer.testing import CliRunner

from reports.numerics import read_numerics
from torchstone.command_line import app
from verify.probes import measuring
from verify.storage import NUMERICS
from verify.wrong_on_purpose.summation import truncated


@pytest.fixture(autouse=True)
def little(monkeypatch):
    """A card of a few small products, so that a test is no measurement."""
    monkeypatch.setattr(measuring, "SHAPES", ((8, 8, 8),))
    monkeypatch.setattr(measuring, "LENGTHS", (8,))
    monkeypatch.setattr(measuring, "THREADED", 16)


def call(*arguments):
    return CliRunner().invoke(app, ["numerics", *map(str, arguments)])


def test_the_card_is_printed_and_stored(tmp_path):
    other = tmp_path / "card.json"
    found = call("--results", tmp_path, "--json", other)
    assert found.exit_code == 0, found.output
    assert "Numerics card of cpu" in found.output
    assert "Σ" in found.output
    assert read_numerics(tmp_path).cards
    assert json.loads(other.read_text()) == json.loads((tmp_path / NUMERICS).read_text())


def test_an_unknown_device_and_an_absent_one_are_bad_usage(tmp_path):
    assert call("--device", "abacus", "--results", tmp_path).exit_code == 2
    if not torch.backends.mps.is_available():
        absent = call("--device", "mps", "--results", tmp_path)
        assert absent.exit_code == 2
        assert "mps" in absent.output
    assert not (tmp_path / NUMERICS).exists()


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path):
    found = call("--results", tmp_path, "--json", tmp_path)
    assert found.exit_code == 2
    assert "cannot write" in found.output


def test_a_product_that_is_off_fails_and_is_named(tmp_path, monkeypatch):
    right = torch.mm

    def wrong(a, b):
        return right(truncated(a, 11), truncated(b, 11)) if a.dtype == torch.float32 else right(a, b)

    monkeypatch.setattr(torch, "mm", wrong)
    found = call("--results", tmp_path)
    assert found.exit_code == 1
    assert (
        "fail  cpu float32 highest: 11 bits are left of an operand, and the mode promises 24" in found.output
    )
    assert "8×8×8 contiguous on 1 thread: the error is" in found.output
    assert "fail  cpu float32 high" not in found.output.replace("fail  cpu float32 highest", "")
    assert read_numerics(tmp_path).cards[0].short
