"""Describe a measurement: its job, its sides, its time limits, and the observer of its progress."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from traingate.controller.imported_files import ImportedFiles
from traingate.controller.scales import Scale
from traingate.controller.steadying import steadying
from traingate.environments.interpreter import Interpreter
from traingate.environments.registry import RUNNING, Environment
from traingate.layers.base import ProcessRequest
from traingate.layers.stack import Stack
from traingate.protocol import messages
from traingate.workload import ObjectName
from traingate.worktree.relocation import Relocation

_START_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Timeouts:
    """Time limits for one answer of a worker, and for the preparation of a base.

    Attributes:
        start: Seconds until the interpreter runs and torch is imported.
        first_step: Seconds for the first step, which compiles.
        step: Seconds for any other answer, such as that of a later step or of the yardstick.
        base_setup: Seconds for the command that prepares the tree of a base commit.
        setup: Seconds for building the training.
    """

    start: float = _START_SECONDS
    first_step: float = 1200.0
    step: float = 600.0
    base_setup: float = 1800.0
    setup: float = 600.0

    @classmethod
    def of(cls, seconds: float | None) -> Timeouts:
        """Return the defaults, or *seconds* for each limit; ``start`` is never below its default.

        Args:
            seconds: Value of ``--traingate-timeout``, None if it is not set.
        """
        if seconds is None:
            return cls()
        return cls(max(seconds, _START_SECONDS), seconds, seconds, seconds, seconds)


@dataclass(frozen=True)
class LaunchPlan:
    """Number of launches of a measurement, or of pairs of a duet.

    Attributes:
        planned: Number that is measured in any case.
        maximum: Largest number, reached if no smaller number decides the comparison.
    """

    planned: int
    maximum: int


@dataclass(frozen=True)
class ProfilePlan:
    """Plan of the steps that are profiled after the timed ones.

    Attributes:
        steps: Number of steps under torch's profiler.
        details: True to take further steps under the profilers that slow them down.
        folder: Existing folder for traces; None to keep none.
        side: Name of the side, for the file of its trace.
    """

    steps: int = 1
    details: bool = False
    folder: Path | None = None
    side: str = "candidate"

    @property
    def trace(self) -> str:
        """Return the path of the file for the compressed trace, empty for none."""
        return str(self.folder / f"{self.side}.trace.json.gz") if self.folder else ""

    @property
    def quick(self) -> ProfilePlan:
        """Return a plan with as many steps and nothing else."""
        return ProfilePlan(self.steps)

    def for_side(self, name: str) -> ProfilePlan:
        """Return this plan for the side *name*, with all details."""
        return replace(self, details=True, side=name)


@dataclass(frozen=True)
class Side:
    """Base side of a duet: another commit's tree, another environment, or both.

    Attributes:
        title: Name for reports, such as ``commit 1a2b3c4d5 (main)``.
        relocation: Relocation from the candidate's tree to the base's; None for the same tree.
        folder: Working directory; None for the current one.
    """

    title: str
    relocation: Relocation | None = None
    folder: str | None = None

    @property
    def file_name(self) -> str:
        """Return a name for files of this side; a title can be too long for one."""
        return hashlib.sha256(self.title.encode(errors="surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True)
class Job:
    """Complete description of a measurement.

    Attributes:
        workload: File and qualified name of the workload.
        identity: Name of the workload in the record, the same in every clone.
        stack: Layers of the test.
        scale: Size of the measurement.
        launches: Number of launches.
        compile_cache: Directory for compiled kernels, used by this workload and stack only.
        import_paths: Folders of the project that the worker adds to ``sys.path``.
        search_paths: Folders on pytest's search path that are outside of all library folders, from
            which the import paths of another side or environment are taken.
        steps: Measured steps per launch; None for the scale's.
        warmup_steps: Smallest number of warm-up steps, beside that of the scale.
        steady: Level of the settings against scatter, one of ``steadying.LEVELS``.
        timeouts: Time limits for the worker's answers.
        profile: Plan for profiling the last planned launch, or in a duet the last pair; None for no
            profile.
        seed: Seed of the random numbers. All launches have the same, on both sides, so that their
            steps do the same work.
        work: Work of a plain step as an earlier launch counted it; None to count it in the first
            launch.
        peak_rss_bytes: Peak memory of an earlier launch of this workload and side with its data
            workers, None if there was none.
        is_duet_side: True if the job is one side of a duet.
        side: Base side that the job measures; None for the candidate.
        project: Root folder of the project in the working tree; None if unknown.
        imported_files: Files of the project that the launches of this side have imported so far.
        environment: Environment that the worker runs in.
        request: Request of the stack for how the worker's process is to be started; None to ask
            its layers, which then look for libraries and programs of the running interpreter.
    """

    workload: ObjectName
    identity: str
    stack: Stack
    scale: Scale
    launches: LaunchPlan
    compile_cache: Path
    import_paths: tuple[str, ...] = ()
    search_paths: tuple[str, ...] = ()
    steps: int | None = None
    warmup_steps: int = 0
    steady: str = "threads"
    timeouts: Timeouts = Timeouts()
    profile: ProfilePlan | None = None
    seed: int = 0
    work: messages.WorkCounted | None = None
    peak_rss_bytes: int | None = None
    is_duet_side: bool = False
    side: Side | None = None
    project: Path | None = None
    imported_files: ImportedFiles = field(default_factory=ImportedFiles, compare=False)
    environment: Environment = RUNNING
    request: ProcessRequest | None = None

    @property
    def interpreter(self) -> Interpreter | None:
        """Return the interpreter of the worker, None for the running one."""
        return self.environment.interpreter

    @property
    def process_request(self) -> ProcessRequest:
        """Return the request of the stack for how the worker's process is to be started."""
        return self.stack.process() if self.request is None else self.request

    @property
    def side_caches(self) -> Path:
        """Return the directory for what one side builds in its environment, for all tests."""
        name = "candidate" if self.side is None else self.side.file_name
        return self.compile_cache.parent / f"side-{name}-{self.environment.file_name}"

    @property
    def steadying(self) -> ProcessRequest:
        """Return the variables and preloads that make launches steadier than a bare process."""
        return steadying(self.steady, self.process_request, is_duet_side=self.is_duet_side)


class Observer(Protocol):
    """Receiver of the progress of a measurement."""

    def launching(self, number: int, planned: int) -> None:
        """Report the start of a launch.

        Args:
            number: Number of the launch, from 1.
            planned: Number of launches planned so far.
        """

    def doing(self, activity: str) -> None:
        """Report the worker's current activity, such as ``building the training``."""

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Report a completed measured step.

        Args:
            step: Number of the step, from 1.
            steps: Number of steps in this launch.
            samples_per_second: Throughput of this step.
        """

    def printed(self, launch: str, text: str) -> None:
        """Report what the processes of a launch printed, after its end, if it was anything.

        Args:
            launch: Name of the launch, such as ``launch 2``.
            text: Text that they printed.
        """
