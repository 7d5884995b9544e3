"""The reproducer: a script of torch alone that shows the worst entry again."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from verify.gradients.check import check_gradient


def ran(script, tmp_path):
    path = tmp_path / "again.py"
    path.write_text(script, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return [float(line.split()[-1]) for line in said.stdout.splitlines()]


@pytest.mark.parametrize("transposed", [False, True])
def test_it_shows_the_same_entry_with_torch_alone(tmp_path, transposed):
    x = torch.linspace(-4, 4, 10, dtype=torch.float64).reshape(5, 2)
    report = check_gradient(
        torch.nn.functional.hardsigmoid, (x.T if transposed else x).requires_grad_(), seed=1
    )
    script = report.reproducer()
    assert "torchstone" not in script
    assert "verify" not in script
    autograd, *differences = ran(script, tmp_path)
    assert report.worst is not None
    assert autograd == report.worst.analytic
    assert differences[0] == pytest.approx(report.worst.numeric, rel=1e-10)


def test_a_right_gradient_is_shown_along_a_random_line(tmp_path):
    z = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex128).requires_grad_()
    autograd, *differences = ran(check_gradient(torch.sin, z, seed=2).reproducer(), tmp_path)
    assert differences[-1] == pytest.approx(autograd, rel=1e-6)


def square(x):
    return x * x


def test_a_function_of_a_module_is_imported_or_quoted():
    x = torch.ones(2, dtype=torch.float64).requires_grad_()
    script = check_gradient(square, x, seed=3).reproducer()
    assert f"from {__name__} import square as function" in script
    quoted = check_gradient(lambda x: x * 3, x, seed=3).reproducer()
    assert "put the function here" in quoted
    assert "# " in quoted


def joined(xs, scale):
    return torch.cat(xs).sin() * scale


def test_lists_conjugates_and_other_arguments_are_written_out(tmp_path):
    parts = [torch.ones(2, dtype=torch.float64).requires_grad_(), torch.zeros(1, dtype=torch.float64)]
    script = check_gradient(joined, (parts, 2.5), seed=4).reproducer()
    script = script.replace(
        f"from {__name__} import joined as function",
        "def function(xs, scale):\n    return torch.cat(xs).sin() * scale",
    )
    autograd, *differences = ran(script, tmp_path)
    assert differences[-1] == pytest.approx(autograd, rel=1e-6)
    z = torch.tensor([1 + 2j], dtype=torch.complex128).conj().requires_grad_()
    autograd, *differences = ran(check_gradient(torch.sin, z, seed=5).reproducer(), tmp_path)
    assert differences[-1] == pytest.approx(autograd, rel=1e-6)
