"""An asv plugin: asv never asks a question, and can time the torch that is already installed.

Named in `plugins` of asv.conf.json. Imports asv and the standard library alone, because asv loads it
before anything else.
"""

from __future__ import annotations

import subprocess
from typing import Any

# asv publishes no types.
from asv.environment import EnvironmentUnavailable, ExistingEnvironment, get_env_name  # type: ignore[import-untyped]
from asv.machine import Machine, MachineCollection  # type: ignore[import-untyped]
from asv.util import UserError  # type: ignore[import-untyped]

_TORCH_VERSION = "from importlib.metadata import version; print(version('torch'))"


def setup() -> None:
    """Store what asv can find out about this machine, unless something is stored: asv calls this first.

    Without it, `asv run` on a machine that it does not know ends with status 1 where there is no
    terminal to answer its questions.
    """
    name = Machine.get_unique_machine_name()
    try:
        MachineCollection.load(name)
    except UserError:
        MachineCollection.save(name, Machine.get_defaults())


# asv publishes no types, so its class is Any to the type checker.
class Installed(ExistingEnvironment):  # type: ignore[misc]
    """An interpreter as it is, named by the torch in it: `"environment_type": "installed"`.

    asv's own `existing` names its result file after the interpreter's path alone, so the times of a new
    torch would be written over those of the old one; and it drops the thread variables.
    """

    tool_name = "installed"

    def __init__(self, conf: Any, executable: str, requirements: Any, tagged_env_vars: Any) -> None:
        try:
            torch = subprocess.run(
                [executable, "-c", _TORCH_VERSION], capture_output=True, text=True, check=True
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError) as error:
            raise EnvironmentUnavailable(f"{executable} has no torch: {error}") from error
        super().__init__(conf, executable, {"torch": torch}, tagged_env_vars)

    @property
    def name(self) -> str:
        """The name of the result file: interpreter, torch and thread variables."""
        path = self._executable.strip("/").replace("/", "_")
        return str(get_env_name(self.tool_name, path, self._requirements, self._tagged_env_vars))
