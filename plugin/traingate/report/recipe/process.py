"""Say how a plain script is started under a stack: variables, command, and cores of ranks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.controller.launchers import preload_value, program_start
from traingate.layers.base import ProcessRequest
from traingate.layers.recipe import Recipe
from traingate.untrusted.shell_words import shell_command, shell_word

_LOCAL_RANKS: Final = {"torchrun": "LOCAL_RANK", "ipexrun": "MPI_LOCALRANKID"}
"""Variables with the number of a rank among those of its node, by launcher."""


_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Names that a shell takes for a variable. A record may have others, which no worker was given."""


@dataclass(frozen=True)
class PlainProcess:
    """Process that runs a plain script under a stack.

    Attributes:
        variables: Environment variables to set.
        argv: Command that starts the script.
        recipe: Lines that the script itself needs, before it imports torch.
    """

    variables: Mapping[str, str]
    argv: tuple[str, ...]
    recipe: Recipe

    @property
    def exports(self) -> list[str]:
        """Return a line for each variable that sets it in a shell."""
        return [
            f"export {name}={shell_word(value)}"
            for name, value in self.variables.items()
            if _VARIABLE.fullmatch(name)
        ]

    @property
    def command(self) -> str:
        """Return the command as a line for a shell in which the variables are set."""
        return shell_command(self.argv)


def plain_process(
    request: ProcessRequest, python: str = "python", script: str = "train.py"
) -> PlainProcess:
    """Return the process that runs a plain script as *request* says.

    Variables and launcher are those of the training worker.

    Args:
        request: Request of the stack for how the process is started.
        python: Path or name of the interpreter.
        script: Path of the script.

    Raises:
        ConfigurationError: If there are fewer cores than ranks.
    """
    start = program_start(request, on_free_port=False)
    variables = dict(start.variables)
    statements: list[str] = []
    if request.ranks is not None:
        groups = [list(map(int, cores)) for cores in start.cores]
        variable = _LOCAL_RANKS[request.ranks.launcher]
        statements += [
            f'own_cores = {groups}[int(os.environ["{variable}"])]',
            "os.sched_setaffinity(0, own_cores)  # before torch starts threads",
        ]
    # The launcher imports torch too. OpenMP would bind it, and all that it starts, to one core.
    if start.launcher and "OMP_PROC_BIND" in variables:
        statements.append(f'os.environ["OMP_PROC_BIND"] = {variables.pop("OMP_PROC_BIND")!r}')
    if request.preloads:
        inherited = os.environ.get("LD_PRELOAD")
        variables["LD_PRELOAD"] = preload_value(request.preloads, inherited)
    is_ipexrun = request.ranks is not None and request.ranks.launcher == "ipexrun"
    if is_ipexrun and Path(python).is_absolute():
        # ipexrun looks for Intel MPI's programs there.
        variables["PATH"] = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])
    return PlainProcess(
        variables,
        (python, *start.launcher, script),
        Recipe(imports=("import os",) if statements else (), before_torch=tuple(statements)),
    )
