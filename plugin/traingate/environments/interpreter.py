"""Find a Python interpreter other than the running one, and start children under it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.environments.answers import ask_program
from traingate.errors import ConfigurationError
from traingate.host import packages
from traingate.protocol import ranks
from traingate.untrusted.paths import is_folder, path_exists

_OLDEST_PYTHON: Final = (3, 10)

PROBE_SECONDS: Final = 60.0
"""Longest time in which an interpreter answers: it imports nothing but the standard library."""

_PROBE: Final = """
import importlib.util, json, pathlib, re, sys
torch = importlib.util.find_spec("torch")
version = None
if torch is not None and torch.origin is not None:
    text = pathlib.Path(torch.origin).with_name("version.py").read_text(encoding="utf-8")
    version = re.search(r"__version__ *= *['\\"]([^'\\"]+)", text)
print(json.dumps([sys.prefix, sys.version_info[:3], version and version[1]]))
"""
"""Program that prints the interpreter's prefix, its version, and that of its torch."""

_VERSIONS: Final = """
import json, sys
from importlib import metadata
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""
"""Program that prints the versions of the packages whose names are its arguments."""

_PACKAGE_PATH_VARIABLES: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX")
"""Variables that add packages of another environment to an interpreter's own."""


@dataclass(frozen=True)
class Interpreter:
    """Python interpreter with the packages of its environment.

    Attributes:
        python: Path of its executable, which links are not followed in: an environment's executable
            is a link to the one that it was made from.
        prefix: Folder of its environment.
        version: Version of Python.
        torch: Version of its torch, with its build, such as ``2.9.0+cpu``.
    """

    python: str
    prefix: str
    version: str = ""
    torch: str = ""


def find_interpreter(location: str, source: str) -> Interpreter:
    """Return the interpreter at *location*.

    Args:
        location: Path or command of an executable, or the folder of a virtual environment.
        source: Option that names it, for messages.

    Raises:
        ConfigurationError: If it does not run, is too old, or has no torch.
    """
    path = Path(os.path.expanduser(location))  # noqa: PTH111 - leaves an unknown user as it is
    path = path / "bin" / "python" if is_folder(path) else path
    is_name = len(path.parts) == 1 and not path_exists(path)
    command = shutil.which(location) if is_name else None
    python = os.path.abspath(command or path)  # noqa: PTH100 - resolve() leaves the environment
    prefix, version, torch = ask_program(
        [python, "-c", _PROBE],
        tuple[str, tuple[int, int, int], str | None],
        seconds=PROBE_SECONDS,
        environment=without_packages_of_this(os.environ),
        failure=f"{source}: {python} does not run as a Python",
    )
    number = ".".join(map(str, version))
    if version < _OLDEST_PYTHON:
        raise ConfigurationError(
            f"{source}: {python} is Python {number}, and traingate's worker needs 3.10 or later."
        )
    if torch is None:
        raise ConfigurationError(
            f"{source}: {python} has no torch. Install it there: {python} -m pip install torch"
        )
    return Interpreter(python, prefix, number, torch)


def child_environment(interpreter: Interpreter | None = None) -> dict[str, str]:
    """Return the current environment, without variables that would disturb a child.

    The interpreter's folder is put at the front of PATH. The removed variables are those of pytest,
    coverage, pytest-cov and an enclosing launcher, and PYTHONSAFEPATH, with which a script does not
    find the modules of its own folder. Variables of Python are removed if this process ignores them
    (``python -I``). For another interpreter, variables that add packages of the current environment
    are removed too.
    """
    # Variables of coverage and of pytest-cov before version 7 would trace the timed steps.
    excluded_prefixes: tuple[str, ...] = ("COVERAGE_PROCESS_", "COV_CORE_")
    if sys.flags.ignore_environment:
        excluded_prefixes += ("PYTHON",)
    excluded_names = {"PYTEST_CURRENT_TEST", "PYTHONSAFEPATH", *ranks.LAUNCHER_VARIABLES}
    variables = {
        key: value
        for key, value in os.environ.items()
        if key not in excluded_names and not key.startswith(excluded_prefixes)
    }
    if sys.flags.no_user_site:
        variables["PYTHONNOUSERSITE"] = "1"
    if sys.dont_write_bytecode:
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
    python, prefix = Path(sys.executable), sys.prefix
    if interpreter is not None:
        variables = without_packages_of_this(variables)
        python, prefix = Path(interpreter.python), interpreter.prefix
    # By PATH and VIRTUAL_ENV, launchers find the helpers of an environment that is not activated.
    search_path = os.pathsep.join(filter(None, [str(python.parent), variables.get("PATH")]))
    return {"VIRTUAL_ENV": prefix, **variables, "PATH": search_path}


def without_packages_of_this(variables: Mapping[str, str]) -> dict[str, str]:
    """Return *variables* without those that add packages or programs of this environment."""
    current = str(Path(sys.executable).parent)
    folders = variables.get("PATH", "").split(os.pathsep)
    others = {
        name: value for name, value in variables.items() if name not in _PACKAGE_PATH_VARIABLES
    }
    return {**others, "PATH": os.pathsep.join(folder for folder in folders if folder != current)}


def package_versions(
    names: Sequence[str], interpreter: Interpreter | None = None
) -> dict[str, str]:
    """Return the versions of the packages that are installed, by name.

    Args:
        names: Names of distributions.
        interpreter: Interpreter to ask; None for the running one.

    Raises:
        ConfigurationError: If the interpreter fails to answer.
    """
    if interpreter is None:
        versions = {name: packages.version(name) for name in names}
        return {name: version for name, version in versions.items() if version is not None}
    return ask_program(
        [interpreter.python, "-c", _VERSIONS, *names],
        dict[str, str],
        seconds=PROBE_SECONDS,
        environment=child_environment(interpreter),
        failure=f"{interpreter.python} does not tell the versions of its packages",
    )
