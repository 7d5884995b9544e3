"""Tasks shared out among processes give the same outcomes in the same order."""

from __future__ import annotations

import pytest

from verify.samples import workers
from verify.samples.operators import chosen

pytest.importorskip("expecttest")


def told(outcome):
    """An outcome without the seconds that it took."""
    record = outcome.to_json()
    record["figures"] = {k: v for k, v in record["figures"].items() if k != "seconds"}
    return record


def test_two_processes_say_what_one_says():
    checks = ("repetition", "nan")
    asked = chosen(("exp", "softmax", "add"), workers.applicable(checks, ()))
    tasks = workers.tasks(asked, checks, (), "cpu", 1)
    assert {(t.check, t.operator) for t in tasks} >= {("nan", "exp"), ("repetition", "softmax")}
    assert not any(t.operator == "softmax" and t.check == "nan" for t in tasks)
    done = []
    one = [told(o) for o in workers.examined(tasks, 1, done.append)]
    assert done == list(tasks)
    assert [told(o) for o in workers.examined(tasks, 2, lambda task: None)] == one


def test_only_what_a_check_can_be_asked_of_is_chosen():
    assert "softmax" in workers.applicable(("precision",), ())
    assert "softmax" not in workers.applicable(("nan",), ())
    assert "bitwise_and" not in workers.applicable(("precision",), ())
    assert "bitwise_and" in workers.applicable(("memory",), ())
