from __future__ import annotations

import importlib
import json
import os
import pkgutil

import pytest

from verify import operations
from verify.ceilings import CEILINGS
from verify.checks import checks
from verify.operation import Operation, Workload
from verify.operations import OWN_OPERATIONS, catalogue, describe

OWN = """from __future__ import annotations

from dataclasses import dataclass, replace

from verify.operations.activations import TANH


@dataclass(frozen=True)
class Note:
    text: str


NOTE = Note("A record of another kind is no operation.")
OWN = replace(TANH, name={name!r})
"""


@pytest.fixture
def own(monkeypatch, tmp_path):
    """Put own files in place; the catalogue is found anew, now and after."""

    def place(**sources: str):
        paths = []
        for stem, source in sources.items():
            paths.append(tmp_path / f"{stem}.py")
            paths[-1].write_text(source)
        monkeypatch.setenv(OWN_OPERATIONS, os.pathsep.join(map(str, paths)))
        return paths

    catalogue.cache_clear()
    yield place
    catalogue.cache_clear()


def test_every_operation_of_every_module_is_found_by_its_name():
    modules = [f"verify.operations.{info.name}" for info in pkgutil.iter_modules(operations.__path__)]
    declared = [
        value
        for module in map(importlib.import_module, modules)
        for value in vars(module).values()
        if isinstance(value, Operation)
    ]
    assert list(catalogue().values()) == list({id(o): o for o in declared}.values())
    assert all(name == operation.name for name, operation in catalogue().items())
    assert {"softmax", "matmul", "sum", "cross_entropy", "vector_norm", "sigmoid"} <= catalogue().keys()


def test_the_catalogue_cannot_be_changed_from_outside():
    with pytest.raises(TypeError):
        catalogue()["mine"] = catalogue()["tanh"]


def test_operations_of_ones_own_are_found_in_every_file_named(own):
    before = set(catalogue())
    own(first=OWN.format(name="mine"), second=OWN.format(name="yours"))
    catalogue.cache_clear()
    # Both files import TANH too: the same record twice is no second record.
    assert set(catalogue()) == before | {"mine", "yours"}


def test_an_empty_variable_names_no_file(own, monkeypatch):
    monkeypatch.setenv(OWN_OPERATIONS, os.pathsep)
    assert "tanh" in catalogue()


def test_two_records_of_one_name_are_refused_with_the_name_and_the_file(own):
    (path,) = own(second=OWN.format(name="softmax"))
    with pytest.raises(ValueError, match="two operations are named 'softmax'") as raised:
        catalogue()
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", ["missing.py", "folder", "notes.txt"])
def test_what_is_no_python_file_is_refused_with_its_path_and_the_variable(own, monkeypatch, tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("")
    monkeypatch.setenv(OWN_OPERATIONS, str(tmp_path / name))
    with pytest.raises(ImportError, match=f"{OWN_OPERATIONS}: .*{name} is not a Python file"):
        catalogue()


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("OWN = (", "SyntaxError: .*never closed"),
        ("OWN = torch.tanh", "NameError: name 'torch' is not defined"),
        ("import no_such_module", "ModuleNotFoundError: .*no_such_module"),
        (OWN.format(name="mine") + "\nreplace(TANH, check=())", "ValueError: tanh: an operation needs"),
    ],
    ids=["syntax", "name", "import", "record"],
)
def test_an_own_file_that_raises_is_named_with_what_it_raised(own, source, fault):
    own(broken=source)
    with pytest.raises(ImportError, match=rf"{OWN_OPERATIONS}: .*broken\.py: {fault}") as raised:
        catalogue()
    assert raised.value.__cause__ is not None


def test_an_operation_without_check_workloads_is_refused():
    with pytest.raises(ValueError, match="tanh: an operation needs at least one `check` workload"):
        Operation(**{**vars(catalogue()["tanh"]), "check": ()})


def test_workloads_of_one_label_are_refused_with_the_label():
    tanh = catalogue()["tanh"]
    with pytest.raises(ValueError, match=r"tanh: workload labels must differ, repeated: 7$"):
        Operation(**{**vars(tanh), "bench": (*tanh.bench, Workload("7", ((8,),)))})


def test_an_operation_without_a_gradient_says_so():
    assert catalogue()["tanh"].differentiable
    assert not catalogue()["argmax"].differentiable


def test_the_description_is_strict_json_and_has_every_operation():
    described = describe()
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert described["schema"] == "torchstone.catalogue/2"
    assert [o["name"] for o in described["operations"]] == list(catalogue())
    assert [c["label"] for c in described["ceilings"]] == [c.label for c in CEILINGS]
    assert all(c["amount"] > 0 for c in described["ceilings"])


@pytest.mark.parametrize("described", describe()["operations"], ids=lambda described: described["name"])
def test_an_operation_is_described_as_it_is(described):
    operation = catalogue()[described["name"]]
    assert described["subject"] == operation.subject
    assert described["formula"] == operation.forward.text
    assert described["source"] == operation.forward.source
    assert described["gradient"] == (operation.vjp.text if operation.vjp else None)
    assert described["gradient_source"] == (operation.vjp.source if operation.vjp else None)
    assert described["ordinary"].endswith(".")
    assert described["hard"] + described["far"] == sorted(
        (hard.name for hard in operation.domain.hard), key=lambda name: name in described["far"]
    )
    assert described["identities"] == [identity.name for identity in operation.identities]
    assert described["special"] == [special.name for special in operation.special]
    assert described["refuses"] == [refusal.name for refusal in operation.refuses]
    assert tuple(described["dtypes"]) == operation.dtypes
    assert described["check"] == [workload.label for workload in operation.check]
    assert len(described["bench"]) == len(operation.bench)
    for told, workload in zip(described["bench"], operation.bench, strict=True):
        cost = operation.cost(workload)
        assert (told["flops"], told["elements"]) == (cost.flops, cost.elements)
        assert told["elements"] > 0
        assert (told["label"], told["layout"]) == (workload.label, workload.layout)
        assert tuple(map(tuple, told["shapes"])) == workload.shapes
        assert told["options"] == {key: str(value) for key, value in workload.options.items()}


def test_checks_are_found_by_their_names():
    assert {"accuracy", "gradient", "identity", "stability"} <= checks().keys()
    assert all(name == check.name and check.question.endswith("?") for name, check in checks().items())
