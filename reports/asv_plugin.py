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
from asv.results import Results  # type: ignore[import-untyped]
from asv.util import UserError  # type: ignore[import-untyped]

_TORCH_VERSION = "from importlib.metadata import version; print(version('torch'))"


def setup() -> None:
    """Store what asv can find out about this machine, unless something is stored: asv calls this first.

    Without it, `asv run` on a machine that it does not know ends with status 1 where there is no
    terminal to answer its questions.
    """
    _save_as_measured()
    name = Machine.get_unique_machine_name()
    try:
        MachineCollection.load(name)
    except UserError:
        MachineCollection.save(name, Machine.get_defaults())


def _save_as_measured() -> None:
    """Save the result file after every benchmark: asv saves at the very end, and an interrupt loses all.

    asv has no hook for it. It loads earlier results from the folder that it will save to, then adds one
    benchmark after the other; both calls are wrapped, and the file is the one that it would write itself.
    """
    load, add = Results.load_data, Results.add_result

    def load_data(self: Any, result_dir: str) -> None:
        self.torchstone_folder = result_dir
        load(self, result_dir)

    def add_result(self: Any, *arguments: Any, **options: Any) -> None:
        add(self, *arguments, **options)
        folder = getattr(self, "torchstone_folder", None)
        if folder is not None:
            self.save(folder)

    Results.load_data, Results.add_result = load_data, add_result


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
