"""What is to be measured, how, and who wants to know how far it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from traingate.controller.command import Interpreter
from traingate.controller.scales import Scale
from traingate.controller.steadying import steadying
from traingate.layers.base import ProcessRequest
from traingate.layers.stack import Stack
from traingate.workload import ObjectName
from traingate.worktree.relocation import Relocation

_START_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Timeouts:
    """Seconds that one answer of a worker may take.

    Attributes:
        start: until the interpreter workers and torch is imported.
        first_step: for the first step, which compiles.
        step: to build the training, and for any later step.
    """

    start: float = _START_SECONDS
    first_step: float = 1200.0
    step: float = 600.0

    @classmethod
    def of(cls, seconds: float | None) -> Timeouts:
        """The defaults, or ``seconds`` for everything; no less than the default to start."""
        if seconds is None:
            return cls()
        return cls(max(seconds, _START_SECONDS), seconds, seconds)


@dataclass(frozen=True)
class LaunchPlan:
    """How many launches: ``planned`` at least, and up to ``most`` while undecided."""

    planned: int
    most: int


@dataclass(frozen=True)
class Side:
    """The other side of a duet: another commit's tree, another interpreter, or both.

    Attributes:
        title: for a person, such as ``commit 1a2b3c4d5 (main)``.
        relocation: from the candidate's tree to this one's.
        interpreter: instead of ours.
        folder: working directory.
    """

    title: str
    relocation: Relocation | None = None
    interpreter: Interpreter | None = None
    folder: str | None = None


@dataclass(frozen=True)
class Job:
    """What to measure, and how.

    Attributes:
        workload: its name.
        identity: its name in the record, the same in every clone.
        stack: the layers.
        scale: the size.
        steps: measured steps per launch; None leaves them to the scale.
        launches: how many.
        steady: one of ``steadying.LEVELS``.
        duet: whether it is stepped in turn with another.
        timeouts: for each kind of answer.
        import_paths: of the project, for the worker.
        compile_cache: directory of this stack alone.
        profile: whether to profile the last launch.
        seed: of the worker's random numbers.
        work: FLOPs per sample and operators per step, where they are known already; else the
            first launch counts them.
        peak_rss_bytes: of an earlier launch of this workload, where there was one.
        side: what tells it from the candidate, where it is the base of a duet.
    """

    workload: ObjectName
    identity: str
    stack: Stack
    scale: Scale
    launches: LaunchPlan
    compile_cache: Path
    import_paths: tuple[str, ...] = ()
    steps: int | None = None
    steady: str = "threads"
    timeouts: Timeouts = Timeouts()
    profile: bool = False
    seed: int = 0
    work: tuple[float | None, int | None] | None = None
    peak_rss_bytes: int | None = None
    duet: bool = False
    side: Side | None = None

    @property
    def steadying(self) -> ProcessRequest:
        """What is added to the stack's own request for steadiness."""
        return steadying(self.steady, self.stack.process(), duet=self.duet)


class Observer(Protocol):
    """Who wants to know how far a measurement is."""

    def launching(self, number: int, planned: int) -> None:
        """Launch ``number`` of ``planned`` so far starts."""

    def doing(self, what: str) -> None:
        """The worker is at ``what`` now: building, first step, warm-up."""

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Measured step ``step`` of ``steps`` is done."""


def single_step(job: Job) -> Job:
    """``job`` cut down to one launch of one step: to see that it workers, not how fast."""
    return replace(job, launches=LaunchPlan(1, 1), steps=1)
