"""Run the tests of pytest-benchmark, of the version that is installed, beside traingate.

``python tests/run_pytest_benchmark_suite.py FOLDER [OPTION ...]`` downloads the source distribution
into the folder and passes the options to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import entry_points, version
from pathlib import Path


def downloaded_sources(folder: Path) -> Path:
    """Return the unpacked source distribution of the pytest-benchmark that is installed."""
    shutil.rmtree(folder, ignore_errors=True)
    requirement = f"pytest-benchmark=={version('pytest-benchmark')}"
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=pytest-benchmark"]
    subprocess.run([*pip, f"--dest={folder}", requirement], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    (sources,) = folder.glob("*/pyproject.toml")
    return sources.parent


def main() -> int:
    """Return pytest's exit status."""
    if "traingate" not in entry_points(group="pytest11").names:
        sys.exit("traingate is not installed: its influence on pytest-benchmark cannot be tested.")
    folder, *options = sys.argv[1:]
    sources = downloaded_sources(Path(folder).resolve() / "pytest-benchmark")
    programs = Path(sys.executable).parent  # the tests call the command pytest-benchmark
    variables = {
        **os.environ,
        "COLUMNS": "80",
        "GIT_CEILING_DIRECTORIES": str(sources.parent),  # its tests expect no repository around it
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(sources / "tests"),
    }
    command = [sys.executable, "-m", "pytest", "--ignore=src", *options]
    return subprocess.run(command, cwd=sources, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
