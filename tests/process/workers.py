"""Jobs and projects that are measured by real workers, with a stand-in for torch."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import psutil

from sample_records import measurement
from simulated_launches import launch
from traingate.controller.child import Child
from traingate.controller.command import LAUNCH_TAG, yardstick_command
from traingate.controller.job import Job, LaunchPlan
from traingate.controller.scales import SCALES
from traingate.layers.stack import Stack
from traingate.protocol import messages
from traingate.records import Measurement
from traingate.workload import ObjectName

_HERE = Path(__file__).resolve().parent
TRAININGS = _HERE / "trainings.py"

IMPORT_PATHS = (str(_HERE / "without_torch"), str(_HERE))
"""Folders for a worker's ``PYTHONPATH``: of the stand-in for torch, and of ``trainings``."""

BATCH_SIZE = 4
"""Samples per step of the trainings."""


def name_in(file: Path, function: str) -> ObjectName:
    """Return the name of a workload that this process need not import."""
    return ObjectName(str(file), file.stem, function)


def job_of(function: str, file: Path = TRAININGS, **changes: Any) -> Job:
    """Return a job of one launch of four steps, with *changes* to any of its fields."""
    job = Job(
        workload=name_in(file, function),
        identity=f"{file.name}::{function}",
        stack=Stack(),
        scale=SCALES["smoke"],
        launches=LaunchPlan(1, 1),
        compile_cache=Path(tempfile.gettempdir()) / "cache",
        steps=4,
        work=messages.WorkCounted(1.0, 1),
        peak_rss_bytes=1 << 25,
    )
    return replace(job, **changes)


def record_of(step_seconds: Sequence[float], **changes: Any) -> Measurement:
    """Return a record with a launch for each of *step_seconds*, as a worker could have made it."""
    launches = [
        msgspec.structs.replace(launch([seconds] * 4), imported_files_digest="of the files")
        for seconds in step_seconds
    ]
    return measurement(launches, **{"batch_size": BATCH_SIZE, **changes})


def too_large_for_two(record: Measurement) -> Measurement:
    """Return *record* with so much memory that the sides of a duet are measured one by one."""
    launches = [
        msgspec.structs.replace(launch_record, data_workers_peak_bytes=1 << 60)
        for launch_record in record.launches
    ]
    return msgspec.structs.replace(record, launches=tuple(launches))


def with_yardstick(record: Measurement) -> Measurement:
    """Return *record* as if this machine had had its present speed when the record was saved."""
    visit = _yardstick_visit()
    launches = []
    for launch_record in record.launches:
        count = len(launch_record.gemm_seconds)
        times = {
            "gemm_seconds": (visit.gemm_seconds,) * count,
            "triad_seconds": (visit.triad_seconds,) * count,
            "yardstick_seconds": (visit.gemm_seconds + visit.triad_seconds,) * count,
        }
        launches.append(msgspec.structs.replace(launch_record, **times))
    return msgspec.structs.replace(record, launches=tuple(launches), yardstick=visit.library)


@functools.cache
def _yardstick_visit() -> messages.Measured:
    with Child(yardstick_command(), "the yardstick", 60.0) as yardstick:
        yardstick.wait_for_hello()
        return yardstick.ask_first(messages.Measure(5), messages.Measured, 60.0, "at its work")


def launched_processes(temporary: Path) -> list[int]:
    """Return the processes of launches whose directory is in *temporary*."""
    numbers = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            directory = process.environ().get(LAUNCH_TAG, "")
            ended = process.status() == psutil.STATUS_ZOMBIE
            if directory.startswith(str(temporary)) and not ended:
                numbers.append(process.pid)
    return numbers


def git(folder: Path, *arguments: str) -> str:
    """Return the output of git in *folder*."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write(file: Path, text: str) -> None:
    """Write a file with this text, which may be indented, and make its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


@dataclass(frozen=True)
class Project:
    """A repository with a model whose step takes as long as it is written to.

    Attributes:
        folder: Root of the repository.
    """

    folder: Path

    @property
    def model(self) -> Path:
        """Return the file of the workload, which is called ``model``."""
        return self.folder / "models.py"

    def write(self, seconds: float, prelude: str = "") -> None:
        """Write the model: *seconds* per step, and statements before it."""
        self.model.write_text(
            f"import time\n{prelude}\nfrom trainings import training\n\n"
            f"def model():\n    return training(lambda: time.sleep({seconds}))\n"
        )

    def commit(self) -> str:
        """Commit all files, and return the name of the commit."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", "next")
        return self.head()

    def head(self) -> str:
        """Return the name of the newest commit."""
        return git(self.folder, "rev-parse", "HEAD")

    def job(self, **changes: Any) -> Job:
        """Return a job of the model, as ``job_of``."""
        job = job_of("model", self.model, import_paths=(str(self.folder),))
        return replace(job, **changes)

    def worktrees(self) -> list[str]:
        """Return the worktrees of the repository, the first of them its own."""
        return git(self.folder, "worktree", "list").splitlines()
