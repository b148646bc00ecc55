"""Measure the heats of a race with the workload of a test."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from traingate.controller.heat import HeatLaunch, MeasuredHeat, measure_heat
from traingate.controller.imported_files import ImportedFiles
from traingate.controller.job import Job, LaunchPlan, Observer, Timeouts
from traingate.controller.measure import layer_records
from traingate.errors import ConfigurationError, TraingateError, WorkerKilledError
from traingate.host.cpu import physical_cores
from traingate.host.memory import available_bytes, oom_kills
from traingate.layers.stack import Stack
from traingate.races.running import Failure, HeatResult, Look, look_rounds
from traingate.races.space import Point, Space
from traingate.races.strategy import Plan
from traingate.records.race import Candidate, Heat, Race, RaceLaunch
from traingate.report.plain_text import without_control_characters
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest

_MEMORY_MARGIN: Final = 1.25
"""Factor by which a launch may need more memory than those that were measured."""

_FIRST_STEP_SECONDS: Final = 600.0
"""Longest time of a first step. A stack that compiles for longer is left out."""

_STEP_SECONDS: Final = 60.0
"""Smallest limit for the time of a step."""

_SLOWEST: Final = 50.0
"""Factor by which a step may be slower than one of plain before it counts as hanging."""

_GRAPH_ORDER: Final = 500
"""Order from which on layers decide how a graph is compiled."""

_REASON_LENGTH: Final = 300

_GIB: Final = 2**30


@dataclass
class JobMeasurer:
    """Measurer that runs the workload of a test under the stacks of a space.

    Attributes:
        session: Session of pytest's run.
        request: Request of the test.
        space: Space of the race.
        observer: Receiver of the progress.
        max_memory_bytes: Largest memory that a candidate may take; None for no limit.
        timeout: Longest time for any one answer, in seconds; None for limits by the speed of plain.
    """

    session: Session
    request: BenchmarkRequest
    space: Space
    observer: Observer
    max_memory_bytes: int | None = None
    timeout: float | None = None
    _jobs: dict[Point, Job] = field(default_factory=dict, init=False)
    _files: dict[str, ImportedFiles] = field(default_factory=dict, init=False)

    def capacity(self, race: Race) -> int:
        """Return how many launches fit into memory together."""
        peaks = [launch.peak_bytes for heat in race.heats for launch in heat.launches]
        peak = max([race.plain.peak_memory_bytes or 0, *peaks])
        return int(available_bytes() / (_MEMORY_MARGIN * max(1, peak)))

    def describe(self, point: Point) -> Candidate:
        """Return the record of a candidate."""
        stack = self.space.stack(point)
        run_cpu = stack.process().run_cpu
        cores = len(physical_cores())
        share = 1.0 if run_cpu is None else min(1.0, len(run_cpu.cores) / max(1, cores))
        return Candidate(
            choices=self.space.labels(point),
            layers=layer_records(stack),
            environment=self.space.environment(point) or "",
            cost=share,
        )

    def measure(
        self, plan: Plan, numbers: Sequence[int], race: Race, look: Look, seconds: float
    ) -> HeatResult:
        """Measure one heat.

        Raises:
            EditedFileError: If the project's code was edited meanwhile.
        """
        start = time.monotonic()
        kills = oom_kills()
        jobs: list[Job] = []
        job_numbers: list[int] = []
        failures: list[Failure] = []
        for point, number in zip(plan.points, numbers, strict=True):
            job = self._job_or_failure(point, number, race)
            if isinstance(job, Failure):
                failures.append(job)
            else:
                jobs.append(job)
                job_numbers.append(number)
        if not jobs:
            return HeatResult(None, failures)
        jobs, job_numbers = _warm_ones_first(jobs, job_numbers)

        def look_at(round_number: int, launches: Sequence[HeatLaunch]) -> list[HeatLaunch]:
            if round_number not in look_rounds(_rounds(launches)):
                return []
            large = [launch for launch in launches if self._is_too_large(launch)]
            rest = [launch for launch in launches if launch not in large]
            slower = set(look([_record(item, job_numbers[item.number]) for item in rest]))
            return large + [item for item in rest if job_numbers[item.number] in slower]

        heat = measure_heat(jobs, self.observer, look_at, seconds)
        was_out_of_memory = oom_kills() > kills
        if not heat.was_interrupted:
            failures += self._failures(heat, job_numbers, out_of_memory=was_out_of_memory)
        return HeatResult(
            self._heat(heat, job_numbers, plan, race, time.monotonic() - start),
            failures,
            was_interrupted=heat.was_interrupted,
        )

    def _heat(
        self,
        heat: MeasuredHeat,
        numbers: Sequence[int],
        plan: Plan,
        race: Race,
        seconds: float,
    ) -> Heat | None:
        """Return the record of a heat; None if no launch has succeeded."""
        launches = [
            _record(launch, numbers[launch.number], heat.rounds)
            for launch in heat.launches
            if launch.finished and launch.turns and heat.rounds
        ]
        if not launches:
            return None
        return Heat(
            stage=plan.stage,
            rounds=heat.rounds,
            launches=tuple(launches),
            gemm_seconds=tuple(heat.gemm_seconds),
            seconds=seconds,
            started_seconds=race.seconds,
        )

    def _failures(
        self, heat: MeasuredHeat, numbers: Sequence[int], *, out_of_memory: bool
    ) -> list[Failure]:
        """Return the candidates of a heat that have failed, or that need too much memory."""
        failures = []
        for launch in heat.launches:
            number = numbers[launch.number]
            if launch.error is not None:
                reason = reason_of(launch.error)
                if out_of_memory and isinstance(launch.error, WorkerKilledError):
                    reason = f"the machine ran out of memory: {reason}"
                failures.append(Failure(number, "failed", reason))
            elif self.max_memory_bytes is not None and _peak(launch) > self.max_memory_bytes:
                taken, allowed = _peak(launch) / _GIB, self.max_memory_bytes / _GIB
                reason = f"it took {taken:.2f} GiB, and --max-memory allows {allowed:.2f} GiB"
                failures.append(Failure(number, "memory", reason))
        return failures

    def _is_too_large(self, launch: HeatLaunch) -> bool:
        """Return whether a launch takes more memory now than a candidate may take."""
        limit = self.max_memory_bytes
        return limit is not None and launch.worker.resident_bytes > limit

    def _job_or_failure(self, point: Point, number: int, race: Race) -> Job | Failure:
        """Return the job of a candidate, the same one in each heat; or why it has none."""
        if point not in self._jobs:
            try:
                self._jobs[point] = self._make_job(point, race)
            except TraingateError as error:
                return Failure(number, "failed", reason_of(error))
        return self._jobs[point]

    def _make_job(self, point: Point, race: Race) -> Job:
        """Return the job of a candidate.

        Raises:
            ConfigurationError: If no environment can run its stack.
        """
        stack = self.space.stack(point)
        placement, _ = self.session.jobs.place(
            stack, self.request.workload, self.space.environment(point)
        )
        missing = placement.examination.missing_requirements
        if missing:
            raise ConfigurationError(str(missing[0]))
        request = replace(self.request, stack=stack, placement=placement, base=None)
        job = self.session.jobs.job_for(request)
        environment = job.environment.name
        return replace(
            job,
            launches=LaunchPlan(1, 1),
            compile_cache=self._compile_cache(job, stack),
            timeouts=self._timeouts(race),
            profile=None,
            imported_files=self._files.setdefault(environment, ImportedFiles()),
        )

    def _compile_cache(self, job: Job, stack: Stack) -> Path:
        """Return a folder for compiled kernels that candidates with equal graphs share.

        Inductor finds graphs by their content, but neither by the number of threads nor by the
        backend. Layers that only start the process in another way do not change the graph.
        """
        run_cpu = job.process_request.run_cpu
        threads = 0 if run_cpu is None else len(run_cpu.cores)
        ranks = job.process_request.ranks
        compilers = [
            factory
            for factory, layer in zip(stack.factories(), stack.layers, strict=True)
            if layer.order >= _GRAPH_ORDER
        ]
        key = json.dumps(
            [job.identity, job.environment.name, threads, repr(ranks), compilers], sort_keys=True
        )
        return job.compile_cache.parent / f"race-{hashlib.sha256(key.encode()).hexdigest()[:16]}"

    def _timeouts(self, race: Race) -> Timeouts:
        if self.timeout is not None:
            return Timeouts.of(self.timeout)
        slowest = max(second for launch in race.plain.launches for second in launch.step_seconds)
        step = max(_STEP_SECONDS, _SLOWEST * slowest)
        return replace(Timeouts(), first_step=_FIRST_STEP_SECONDS + step, step=step)


def _warm_ones_first(jobs: Sequence[Job], numbers: Sequence[int]) -> tuple[list[Job], list[int]]:
    """Return jobs and numbers, with those last whose graphs nothing has compiled yet.

    If the time for warming up ends, these are left out.
    """

    def compiles(index: int) -> bool:
        has_graphs = any(layer.order >= _GRAPH_ORDER for layer in jobs[index].stack.layers)
        return has_graphs and not jobs[index].compile_cache.exists()

    order = sorted(range(len(jobs)), key=compiles)
    return [jobs[index] for index in order], [numbers[index] for index in order]


def reason_of(error: Exception) -> str:
    """Return an error as one line: its first line, and the exception of a traceback in it."""
    text = without_control_characters(str(error))
    lines = [line.rstrip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    reason = lines[0].strip().removesuffix(":")
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    if frames:
        rest = lines[frames[-1] + 1 :]
        reason += f": {next((line for line in rest if not line.startswith(' ')), '')}"
    return reason if len(reason) <= _REASON_LENGTH else f"{reason[: _REASON_LENGTH - 1]}…"


def _rounds(launches: Sequence[HeatLaunch]) -> int:
    """Return the number of rounds that are planned for a heat."""
    return max((launch.planned_rounds for launch in launches), default=0)


def _record(launch: HeatLaunch, candidate: int, rounds: int | None = None) -> RaceLaunch:
    """Return the record of a launch.

    Args:
        launch: Launch with at least one turn.
        candidate: Index of its candidate in the race.
        rounds: Number of complete rounds, beyond which turns do not count; None for all turns.
    """
    finished = launch.finished
    return RaceLaunch(
        candidate=candidate,
        turn_seconds=launch.turn_seconds[:rounds],
        steps_per_turn=launch.steps_per_turn,
        batch_size=launch.worker.batch_size,
        first_step_seconds=launch.warm_up.first_step_seconds if launch.warm_up else 0.0,
        setup_seconds=launch.setup_seconds,
        peak_bytes=_peak(launch),
        precision_speedup=finished[0].precision_speedup if finished else 1.0,
        busy_turns=launch.busy_turns,
    )


def _peak(launch: HeatLaunch) -> int:
    """Return the peak memory of all ranks with their data workers, in bytes; 0 if unknown."""
    return sum(rank.peak_rss_bytes + rank.data_workers_bytes for rank in launch.finished)
