from __future__ import annotations

import ctypes
import os
import time

import pytest

from verify import separate


def test_an_answer_comes_back_whole():
    assert separate.forked(lambda: "refused, “so”") == "refused, “so”"


def test_a_crash_is_told_by_its_signal_and_not_suffered():
    assert separate.forked(lambda: ctypes.string_at(0).decode()) == "it ended its process: SIGSEGV"


def test_an_exit_and_an_exception_are_told_by_their_status(capfd):
    assert separate.forked(lambda: os._exit(7)) == "it ended its process with exit status 7"

    def fail():
        raise RuntimeError("nothing")

    assert separate.forked(fail) == "it ended its process with exit status 1"
    capfd.readouterr()


def test_a_call_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(separate, "TIMEOUT_SECONDS", 1)
    assert separate.forked(lambda: str(time.sleep(60))) == "it ended its process: SIGALRM"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("this", "The Zen of Python, by Tim Peters"),
        ("no_such_module", "it ended its process with exit status 1"),
    ],
)
def test_a_fresh_interpreter_is_heard(module, said):
    assert separate.interpreted(module).splitlines()[0] == said


def test_a_fresh_interpreter_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(separate, "TIMEOUT_SECONDS", 0.01)
    assert separate.interpreted("this") == "it did not return within 0.01 s"
