"""What torch leaves open is told of operators that exist, each with its reason."""

from __future__ import annotations

import pytest

from verify.samples import undefined
from verify.samples.operators import elementwise, entry_by_entry, every_operator

pytest.importorskip("expecttest")


@pytest.mark.parametrize("table", [undefined.LAYOUT, undefined.STORAGE, undefined.DTYPE, undefined.UNWRITTEN])
def test_only_operators_of_torch_are_left_out(table):
    names = {record.name for record in every_operator().values()}
    assert set(table) <= names, set(table) - names
    assert all(table.values())


def test_only_what_torch_documents_as_uninitialised_has_no_result():
    assert undefined.undefined("empty_like")
    assert undefined.undefined("exp") is None


@pytest.mark.parametrize(
    ("name", "tensors", "each"),
    [
        ("exp", 1, True),
        ("add", 2, True),
        ("softmax", 1, False),
        # Declared elementwise, but its weight is one of each channel.
        ("nn.functional.prelu", 2, False),
    ],
)
def test_torchs_records_say_what_works_entry_by_entry(name, tensors, each):
    record = every_operator()[name]
    assert entry_by_entry(record, tensors) is each
    assert elementwise(record) is (each or name.endswith("prelu"))
