"""Run tests with faults in a pytest of their own, and look for what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from session_leftovers import paths_below

_HERE = Path(__file__).resolve().parent
_PROCESS = _HERE.parent / "process"
WITHOUT_TORCH = (_HERE / "at_start", _PROCESS / "without_torch", _PROCESS, _HERE)
WITH_TORCH = (_PROCESS, _HERE)

OPTIONS = (
    "--traingate-scale=smoke",
    "--traingate-steps=4",
    "--traingate-launches=1",
    "--traingate-timeout=20",
)

_END_SECONDS = 10.0
"""Longest wait for the processes that clean up after a session."""


@dataclass(frozen=True)
class Place:
    """A project under git, a folder for temporary files, and a mark on each process of a run.

    Attributes:
        project: Root of the project, which is also the working directory.
        temporary: Folder for temporary files.
        mark: Text in the environment of each process, or in its command line.
    """

    project: Path
    temporary: Path
    mark: str

    def processes(self) -> list[str]:
        """Return the processes of the run that have not ended."""
        descriptions = []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), *process.environ().values()]
                folders = [process.cwd(), *(file.path for file in process.open_files())]
                ended = process.status() == psutil.STATUS_ZOMBIE
            except psutil.Error:
                continue
            marks = (self.mark, str(self.temporary))
            is_here = any(path.startswith((str(self.project), marks[1])) for path in folders)
            if not ended and (is_here or any(mark in word for word in words for mark in marks)):
                with contextlib.suppress(psutil.Error):
                    descriptions.append(f"{process.pid} {' '.join(process.cmdline())}")
        return descriptions

    def end_processes(self) -> None:
        """End what a run has left, as a run that took too long for its test."""
        for description in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(description.split()[0]), signal.SIGKILL)

    def files(self) -> dict[str, list[str]]:
        """Return what is in the folder for temporary files, and the worktrees of the project."""
        git = ["git", "-C", str(self.project), "worktree", "list"]
        worktrees = subprocess.run(git, capture_output=True, text=True, check=True).stdout
        temporary = sorted(str(path) for path in paths_below(self.temporary))
        folders = [line.split()[0] for line in worktrees.splitlines()]
        return {"temporary files": temporary, "worktrees": folders}


@dataclass(frozen=True)
class FaultRun:
    """What a pytest with faults has done.

    Attributes:
        tests: For each test by name: its outcome, its text, what it printed, and what it left.
        results: Results that traingate wrote as JSON.
        output: What pytest printed.
        status: Its exit status.
        peak_bytes: Largest memory of pytest's own process, in bytes.
        markdown: Results as Markdown.
        records: Records in the JSON of pytest-benchmark, by test.
    """

    tests: Mapping[str, Mapping[str, Any]]
    results: Mapping[str, Any]
    output: str
    status: int
    peak_bytes: int
    markdown: str
    records: Mapping[str, Mapping[str, Any]]


@contextmanager
def place() -> Iterator[Place]:
    """Make a place, and check that it is left as it was: processes, worktrees, temporary files."""
    # Not below pytest's folder: the path of a socket must be short.
    temporary = Path(tempfile.mkdtemp(prefix="tf-", dir="/tmp")).resolve()
    project = Path(tempfile.mkdtemp(prefix="traingate-faults-")).resolve()
    made = Place(project, temporary, secrets.token_hex(8))
    try:
        subprocess.run(["git", "init", "-q", str(project)], check=True)
        before = made.files()
        yield made
        deadline = time.monotonic() + _END_SECONDS
        while made.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert made.processes() == []
        assert made.files() == before
    finally:
        made.end_processes()
        shutil.rmtree(temporary)
        shutil.rmtree(project)


def run_faults(
    here: Place,
    tests: str,
    *options: str,
    paths: tuple[Path, ...] = WITHOUT_TORCH,
    seconds: float = 280.0,
    commits: bool = False,
    **variables: str,
) -> FaultRun:
    """Run tests, and return what they did.

    Args:
        here: Place of the run.
        tests: Source of the tests.
        options: Further options of pytest.
        paths: Folders that the run, and its workers, can import from.
        seconds: Longest time of the run, after which this test fails.
        commits: True to commit the tests before, for a duet.
        variables: Further environment variables.
    """
    (here.project / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    (here.project / "test_faults.py").write_text(tests)
    shutil.copy(_HERE / "inner_conftest.py", here.project / "conftest.py")
    if commits:
        _commit_with_workloads(here.project)
        paths = (_PROCESS / "without_torch", here.project)
    files = (
        "--traingate-json=results.json",
        "--traingate-markdown=results.md",
        "--benchmark-json=b.json",
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", *OPTIONS, *files, *options]
    process = subprocess.run(
        command,
        cwd=here.project,
        env=_environment(here, paths, variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
    )
    output = process.stdout.decode(errors="replace")
    assert "INTERNALERROR" not in output, output
    noted = json.loads((here.project / "reports.json").read_text())
    return FaultRun(
        noted["tests"],
        json.loads((here.project / "results.json").read_text()),
        output,
        process.returncode,
        noted["peak_bytes"],
        (here.project / "results.md").read_text(),
        _records(here.project / "b.json"),
    )


def _environment(
    here: Place, paths: tuple[Path, ...], variables: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment variables of a run at a place, with these further ones."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(here.temporary),
        "TRAINGATE_TEST_RUN": here.mark,
        **variables,
    }


def _commit_with_workloads(project: Path) -> None:
    """Commit the project with the workloads, of which the base then has a version of its own."""
    for name in ("answering.py", "crashing.py", "meddling.py", "outside.py"):
        shutil.copy(_HERE / name, project)
    shutil.copy(_PROCESS / "trainings.py", project)
    git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "tests"], check=True)


def _records(file: Path) -> dict[str, Any]:
    """Return traingate's records in a file of pytest-benchmark, by the name of the test."""
    if not file.exists() or not file.stat().st_size:
        return {}
    benchmarks = json.loads(file.read_text())["benchmarks"]
    return {item["name"]: item["extra_info"]["traingate"] for item in benchmarks}
