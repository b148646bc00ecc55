"""Find another Python interpreter, and check that workers can run under it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from traingate.controller.command import PACKAGE_PATH_VARIABLES, Interpreter
from traingate.errors import ConfigurationError

_OLDEST_PYTHON: Final = [3, 10]

_PROBE: Final = (
    "import importlib.util, json, sys; "
    "print(json.dumps([sys.prefix, sys.version_info[:2], bool(importlib.util.find_spec('torch'))]))"
)
"""Program that prints the interpreter's prefix, its version, and whether it has torch."""


def find_interpreter(location: str) -> Interpreter:
    """Return the interpreter that ``--traingate-against-python`` names.

    Args:
        location: Path or command of an executable, or the folder of a virtual environment.

    Raises:
        ConfigurationError: If it does not run, is too old, or has no torch.
    """
    path = Path(location).expanduser()
    path = path / "bin" / "python" if path.is_dir() else path
    command = shutil.which(location) if len(path.parts) == 1 and not path.exists() else None
    python = os.path.abspath(command or path)  # noqa: PTH100 - resolve() leaves the environment
    environment = {
        name: value for name, value in os.environ.items() if name not in PACKAGE_PATH_VARIABLES
    }
    try:
        process = subprocess.run(  # noqa: S603 - the interpreter that the user named
            [python, "-c", _PROBE], capture_output=True, text=True, check=True, env=environment
        )
        prefix, version, has_torch = json.loads(process.stdout)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"--traingate-against-python: {python} does not run as a Python: {error}"
        ) from error
    if version < _OLDEST_PYTHON:
        raise ConfigurationError(
            f"--traingate-against-python: {python} is Python {'.'.join(map(str, version))}, and "
            "traingate's worker needs 3.10 or later."
        )
    if not has_torch:
        raise ConfigurationError(
            f"--traingate-against-python: {python} has no torch. Install it there: "
            f"{python} -m pip install torch"
        )
    return Interpreter(python, prefix)
