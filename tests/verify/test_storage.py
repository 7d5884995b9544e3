from __future__ import annotations

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify import storage
from verify.storage import Unreadable, read_json, write_json, write_whole

# A busy machine is slow; that is no fault of what is tested.

records = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("storage")


@given(record=records)
def test_a_record_survives_being_stored(folder, record):
    path = folder / "record.json"
    write_json(path, record)
    assert read_json(path) == record
    assert [p.name for p in folder.iterdir()] == ["record.json"]


def test_a_path_that_is_not_utf_8_survives_being_stored(tmp_path):
    command = os.fsdecode(b"torchstone --results /tmp/\xff")
    write_json(tmp_path / "a.json", {"command": command, "formula": "Σᵢ xᵢ"})
    assert read_json(tmp_path / "a.json") == {"command": command, "formula": "Σᵢ xᵢ"}
    assert "Σᵢ xᵢ" in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_float_that_json_has_no_word_for_is_refused_and_the_file_stays(tmp_path, number):
    path = tmp_path / "a.json"
    write_json(path, [1])
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, [number])
    assert read_json(path) == [1]


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt()])
def test_a_write_that_is_cut_off_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fault):
    path = tmp_path / "a.json"
    write_whole(path, "old")

    def fail(descriptor):
        raise fault

    monkeypatch.setattr(storage.os, "fsync", fail)
    with pytest.raises(type(fault)):
        write_whole(path, "new" * 10000)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_reader_meets_half_a_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_whole(path, "old")
    met = []
    monkeypatch.setattr(storage.os, "fsync", lambda descriptor: met.append(path.read_text()))
    write_whole(path, "new")
    assert met == ["old"]
    assert path.read_text() == "new"


def test_folders_are_made_and_the_file_is_as_open_as_its_neighbours(tmp_path):
    path, neighbour = tmp_path / "a" / "b" / "c.json", tmp_path / "neighbour"
    write_whole(path, "x")
    neighbour.write_text("x")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(neighbour.stat().st_mode)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"a": 1', b"torch", b"\xff\xfe", b"\x00", b"[" * 100_000, b"1" * 5000],
    ids=["empty", "open", "cut short", "word", "no text", "null", "deep", "long number"],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "damaged.json"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=r"damaged\.json: .") as raised:
        read_json(path)
    assert raised.value.__cause__ is not None
    assert path.read_bytes() == content


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(Unreadable, match=str(path)):
            read_json(path)


def test_what_is_written_ends_with_a_newline_and_reads_as_lines(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, 2]})
    text = (tmp_path / "a.json").read_text()
    assert text.endswith("}\n")
    assert len(text.splitlines()) == 6
    assert json.loads(text) == {"a": [1, 2]}
