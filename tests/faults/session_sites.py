"""Projects in which real pytest runs are started and ended, and what such a run has left behind."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from forking_pytest import PytestCommand
from pytest_benchmark.plugin import get_cpu_info
from session_forks import pytest_forks
from workers import IMPORT_PATHS, git, record_of, with_yardstick

from sample_records import STATISTICS, save_run
from session_leftovers import paths_below
from traingate.host.hardware import hardware

RUN_TAG = "TRAINGATE_TEST_RUN"
"""Variable that all processes of a run inherit; its value is the folder of the site."""

TIMEOUT = 60.0
"""Longest time for a run to end, and for what it left to go away, in seconds."""

TEST_FILE = "test_speed.py"
TEST = f"{TEST_FILE}::test_model"

TESTS = """
from models import model

def test_model(training_benchmark):
    training_benchmark(model)
"""

MODELS = """
import time
from reached import reach
from trainings import training

def model():
    import torch.profiler
    reach("preparing")
    steps = []

    def step():
        steps.append(None)
        reach("first step" if len(steps) == 1 else "stepping")
        if "traingate-base-" in __file__:
            reach("frozen")
        if torch.profiler._profiles:
            reach("profiling")
        time.sleep(0.005)

    return training(step)
"""

SMOKE = ("--traingate-scale=smoke", "--traingate-launches=1", "--traingate-steps=2")
STORED = (*SMOKE, "--benchmark-compare", "--benchmark-storage=stored", "--traingate-tolerance=40")
"""Options of a run that compares with a stored run."""

DUET = (*SMOKE, "--traingate-launches=2", "--traingate-against=HEAD", "--traingate-tolerance=40")
"""Options of a run that compares with the commit of the project."""

PYTEST = ("-m", "pytest")
TRAINGATE = ("-c", "from traingate.cli import main; main()")
"""Arguments of Python for pytest, and for the command ``traingate``."""

SLOW, FAST = (1.0,) * 4, (1e-6,) * 4
"""Stored step times against which 5 ms are a gain, or a regression."""


@dataclass(frozen=True)
class Ended:
    """End of a run: the exit status of pytest, negative for a signal, and what it printed."""

    status: int
    output: str

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts of the line by which a run that compares ends."""
        (line,) = [line for line in self.output.splitlines() if " compared, " in line]
        pairs = (part.split() for part in line.removeprefix("traingate: ").split(", "))
        return {name: int(count) for count, name in pairs}


@dataclass(frozen=True)
class Site:
    """Project in which pytest is run, with a folder for temporary files that nothing else uses.

    Attributes:
        root: Folder of everything else here.
        variables: Further environment variables of the runs.
        prefix: Command that starts the runs, with arguments to which theirs are added.
    """

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    prefix: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Return the folder of the project."""
        return self.root / "project"

    @property
    def temporary(self) -> Path:
        """Return the folder for temporary files (TMPDIR)."""
        return self.root / "tmp"

    @property
    def output(self) -> Path:
        """Return the file of what the last run printed; it is empty if the run had a terminal."""
        return self.root / "output"

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project, and return its path."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self) -> None:
        """Make the project a repository with one commit."""
        git(self.folder, "init", "-q")
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", "first")

    def store(
        self,
        step_seconds: Sequence[float] = SLOW,
        *tests: str,
        workload: str = "models.py::model",
    ) -> None:
        """Store a run with a record of each test, by default of ``TEST``."""
        record = record_of(
            step_seconds, machine=hardware(), workload=workload, stack=(), scale="smoke"
        )
        stored = dict.fromkeys(tests or (TEST,), with_yardstick(record))
        path = self.folder / "stored" / "0001_base.json"
        save_run(path, stored)
        content = json.loads(path.read_text())
        for benchmark in content["benchmarks"]:
            benchmark["stats"] = STATISTICS
        path.write_text(json.dumps(content))

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables of a run."""
        paths = [str(Path(__file__).with_name("session_workers")), *IMPORT_PATHS]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTEST_ADDOPTS": f"{os.environ['PYTEST_ADDOPTS']} -p known_cpu",
            "TRAINGATE_TEST_CPU": _description_of_cpu(),
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            RUN_TAG: str(self.root),
            **self.variables,
        }

    def start(
        self, *arguments: str, python: Sequence[str] = PYTEST, terminal: int | None = None
    ) -> Run:
        """Start pytest, as a terminal or a CI service does: in a process group of its own.

        Args:
            arguments: Arguments of the program.
            python: Arguments of Python, which name the program.
            terminal: Terminal that the run is to have; None for none.
        """

        def prepare() -> None:
            # A shell that starts a job in the background lets it ignore SIGINT.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if terminal is not None:
                fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [*self.prefix, sys.executable, *python, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=output if terminal is None else terminal,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=prepare,
            )
        return Run(self, process)

    def run(self, *arguments: str, python: Sequence[str] = PYTEST, is_forked: bool = True) -> Ended:
        """Run pytest to its end; fork it if it differs from others by its arguments alone."""
        if self.variables or self.prefix or python != PYTEST or not is_forked:
            return self.start(*arguments, python=python).wait()
        command = PytestCommand(arguments, self.folder, self.environment, self.output)
        status = pytest_forks(self.environment["PYTHONPATH"]).run(command, TIMEOUT)
        return Ended(status, self.output.read_text(errors="replace"))

    def processes(self) -> list[psutil.Process]:
        """Return the processes that runs here have started and that have not ended."""
        processes = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                # The environment of a process may be empty.
                words = [process.cwd(), process.environ().get(RUN_TAG, ""), *process.cmdline()]
                is_ours = any(str(self.root) in word for word in words)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    processes.append(process)
        return processes

    def leftovers(self, seconds: float = TIMEOUT) -> list[str]:
        """Return descriptions of all that ended runs have left here, but pytest's own folder.

        Args:
            seconds: Longest time in which processes that clean up may go on.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._leftovers():
            time.sleep(0.02)
        return self._leftovers()

    def _leftovers(self) -> list[str]:
        descriptions = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                descriptions.append(" ".join(process.cmdline()))
        temporary = self.temporary.glob("*")
        descriptions += [str(path) for path in temporary if not path.name.startswith("pytest-of-")]
        if (self.folder / ".git").exists():
            descriptions += git(self.folder, "worktree", "list").splitlines()[1:]
            descriptions += map(str, paths_below(self.folder / ".git", ".lock"))
        return descriptions

    def remove(self) -> None:
        """End all that is left of this site's runs, and remove its folders."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass(frozen=True)
class Run:
    """Run of pytest that was started."""

    site: Site
    process: subprocess.Popen[bytes]

    def wait(self) -> Ended:
        """Wait for the end of pytest, and return it."""
        try:
            status = self.process.wait(TIMEOUT)
        finally:
            self.process.kill()
            self.process.wait()
        return Ended(status, self.site.output.read_text(errors="replace"))

    def wait_until(self, file: Path) -> None:
        """Wait until the run has made *file*."""
        deadline = time.monotonic() + TIMEOUT
        while not file.exists():
            output = self.site.output.read_text(errors="replace")
            assert self.process.poll() is None, output
            assert time.monotonic() < deadline, output
            time.sleep(0.01)


@functools.cache
def _description_of_cpu() -> str:
    """Return how pytest-benchmark describes this CPU, as JSON: for ``known_cpu``."""
    return json.dumps(get_cpu_info())


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """Yield a project with one training benchmark, and remove it with all that it has left."""
    # Not below pytest's folder: the path of a socket must be short.
    made = Site(Path(tempfile.mkdtemp(prefix="tg-", dir="/tmp")).resolve())
    try:
        made.temporary.mkdir()
        made.write("pytest.ini", "[pytest]\naddopts = -p no:randomly\n")
        made.write("models.py", MODELS)
        made.write(TEST_FILE, TESTS)
        yield made
    finally:
        made.remove()
