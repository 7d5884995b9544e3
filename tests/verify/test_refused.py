from __future__ import annotations

import dataclasses
import os
import signal

import pytest
import torch

from verify import refused, separate
from verify.case import HARD, Case
from verify.operation import Refusal
from verify.operations import catalogue
from verify.refused import REFUSED, reply

CASE = Case(catalogue()["cross_entropy"], "cpu", "float32", HARD)
ELSEWHERE = tuple(r for o in catalogue().values() for r in o.refuses if r.crashes)


def test_some_calls_are_tried_elsewhere():
    assert len(ELSEWHERE) >= 4


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda f, tensor: tensor(3) + tensor(4), REFUSED),
        (lambda f, tensor: tensor(3), "it returned a Tensor of shape (3,)"),
        (lambda f, tensor: 7, "it returned a int"),
        (lambda f, tensor: [][1], "it raised IndexError (list index out of range)"),
    ],
)
@pytest.mark.parametrize("crashes", [False, True])
def test_what_happened_is_said(call, said, crashes):
    assert reply(CASE, Refusal("a call", call, crashes=crashes)) == said


def test_a_crash_is_no_refusal():
    crash = Refusal("a crash", lambda f, tensor: os.kill(os.getpid(), signal.SIGSEGV), crashes=True)
    assert reply(CASE, crash) == "it ended its process: SIGSEGV"


def test_a_process_that_has_used_its_threads_can_still_ask(monkeypatch):
    """Of threads a copied process has none, and a kernel would wait for them until the alarm."""
    monkeypatch.setattr(separate, "TIMEOUT_SECONDS", 20)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.log_softmax(torch.ones(2000, 2000), 1)
        for refusal in CASE.operation.refuses:
            assert reply(CASE, refusal) == REFUSED, refusal.name
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_device_that_cannot_be_copied_is_asked_in_a_fresh_interpreter(monkeypatch):
    monkeypatch.delattr(os, "fork")
    (refusal, *_) = (r for r in CASE.operation.refuses if r.crashes)
    assert reply(CASE, refusal) == REFUSED
    nobody = dataclasses.replace(refusal, name="a call that nobody declared")
    assert reply(CASE, nobody).startswith("it ended its process with exit status 1")


def test_as_a_program_it_prints_its_answer(capsys):
    (refusal, *_) = (r for r in CASE.operation.refuses if r.crashes)
    refused._main("cross_entropy", refusal.name, "cpu", "float64")
    assert capsys.readouterr().out == REFUSED
