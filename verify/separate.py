"""Separate: a call in a process of its own, so that one that ends its process is seen and not suffered."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable

# Far longer than any refused call takes; a call that hangs is no refusal.
TIMEOUT_SECONDS = 120


def forked(reply: Callable[[], str]) -> str:
    """What `reply` returns in a copy of this process; if it ends that process, how. Needs `os.fork`.

    Not for a device other than the cpu: a process that has touched CUDA cannot be copied.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of other threads, which the copy does not have: it runs one call and exits.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            faulthandler.disable()  # the parent tells of a crash; a stack of it would look like its own
            signal.alarm(TIMEOUT_SECONDS)
            os.write(writing, reply().encode())
            status = 0
        finally:
            os._exit(status)  # nothing of the copied process may run on: no handlers, no buffers
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return _heard(said, os.waitstatus_to_exitcode(status))


def interpreted(module: str, *arguments: str) -> str:
    """What a module prints when a fresh interpreter runs it; if it ends otherwise, how."""
    command = [sys.executable, "-m", module, *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not return within {TIMEOUT_SECONDS} s"
    return _heard(ended.stdout.strip(), ended.returncode)


def _heard(said: str, exit_code: int) -> str:
    if exit_code == 0 and said:
        return said
    if exit_code < 0:
        return f"it ended its process: {signal.Signals(-exit_code).name}"
    return f"it ended its process with exit status {exit_code}"
