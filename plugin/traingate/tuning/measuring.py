"""Measure the heats of a race with the workload of a test."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from traingate.controller.heat import HeatLaunch, MeasuredHeat, measure_heat
from traingate.controller.imported_files import ImportedFiles
from traingate.controller.job import Job, LaunchPlan, Observer
from traingate.controller.measure import layer_records
from traingate.environments.interpreter import package_versions
from traingate.environments.placement import Placement
from traingate.errors import ConfigurationError, TraingateError
from traingate.host.cpu import physical_cores
from traingate.host.memory import oom_kill_counter
from traingate.layers.kinds import KINDS
from traingate.layers.recipe import TrainingForm
from traingate.layers.stack import Stack
from traingate.races.running import Failure, HeatResult, Look, look_rounds
from traingate.races.space import Point, Space
from traingate.races.strategy import Plan
from traingate.records.race import Candidate, Heat, Race
from traingate.report.recipe.text import needed_packages
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest
from traingate.tuning.failures import failures_of_heat, lacked_memory, reason_of
from traingate.tuning.graphs import graph_of
from traingate.tuning.launches import planned_rounds, record_of
from traingate.tuning.memory import LaunchMemory, Shortage
from traingate.tuning.timeouts import race_timeouts
from traingate.untrusted.clock import monotonic

_GRAPH_ORDER: Final = 500
"""Order from which on layers decide how a graph is compiled."""


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
        seconds: Time for the race, of which no first step takes more than half.
        form: Parts that the training has, once a launch has told.
    """

    session: Session
    request: BenchmarkRequest
    space: Space
    observer: Observer
    max_memory_bytes: int | None = None
    timeout: float | None = None
    seconds: float = math.inf
    form: TrainingForm | None = field(default=None, init=False)
    _candidates: dict[Point, Candidate] = field(default_factory=dict, init=False)
    _jobs: dict[Point, Job] = field(default_factory=dict, init=False)
    _files: dict[str, ImportedFiles] = field(default_factory=dict, init=False)
    _memory: LaunchMemory = field(default_factory=LaunchMemory, init=False)
    _compiled: set[str] = field(default_factory=set, init=False)

    def capacity(self, race: Race) -> int:
        """Return how many launches fit into memory together."""
        return self._memory.capacity(race)

    def graph_to_compile(self, point: Point) -> str:
        """Return the graph that a candidate has to compile; empty if none, or if it is compiled."""
        graph = graph_of(self.space.stack(point), self.space.environment(point))
        return "" if graph in self._compiled else graph

    def describe(self, point: Point) -> Candidate:
        """Return the record of a candidate."""
        if point not in self._candidates:
            self._candidates[point] = self._description(point)
        return self._candidates[point]

    def _description(self, point: Point) -> Candidate:
        stack = self.space.stack(point)
        request, interpreter, versions = stack.process(), None, {}
        with contextlib.suppress(TraingateError):  # measuring it gives the reason
            placement = self._place(point, stack)
            request = placement.examination.request
            interpreter = placement.environment.interpreter
            if interpreter is not None:
                versions = package_versions(needed_packages(stack), interpreter)
        cores = len(physical_cores())
        run_cpu = request.run_cpu
        return Candidate(
            choices=self.space.labels(point),
            layers=layer_records(stack),
            environment=self.space.environment(point) or "",
            cost=1.0 if run_cpu is None else min(1.0, len(run_cpu.cores) / max(1, cores)),
            process=msgspec.to_builtins(request),
            python="" if interpreter is None else interpreter.python,
            versions=versions,
            classes=_own_classes(stack),
        )

    def _place(self, point: Point, stack: Stack) -> Placement:
        """Return the environment of a candidate."""
        name = self.space.environment(point)
        return self.session.jobs.place(stack, self.request.workload, name)[0]

    def measure(
        self, plan: Plan, numbers: Sequence[int], race: Race, look: Look, seconds: float
    ) -> HeatResult:
        """Measure one heat.

        Raises:
            EditedFileError: If the project's code was edited meanwhile.
        """
        start = monotonic()
        kills = oom_kill_counter()
        planned: list[tuple[Job, int, str]] = []
        failures: list[Failure] = []
        # All heats of the final have the same candidates.
        fitting = self._memory.fitting(race, numbers) if plan.stage == "search" else len(numbers)
        for point, number in list(zip(plan.points, numbers, strict=True))[:fitting]:
            job = self._job_or_failure(point, number, race)
            if isinstance(job, Failure):
                failures.append(job)
            else:
                planned.append((job, number, self.graph_to_compile(point)))
        if not planned:
            return HeatResult(None, failures)
        # If the time for warming up ends, those are left out that would have to compile.
        planned.sort(key=lambda item: bool(item[2]))
        jobs = [job for job, _, _ in planned]
        job_numbers = [number for _, number, _ in planned]

        def look_at(round_number: int, launches: Sequence[HeatLaunch]) -> list[HeatLaunch]:
            if round_number not in look_rounds(planned_rounds(launches)):
                return []
            large = [launch for launch in launches if self._is_too_large(launch)]
            others = [launch for launch in launches if launch not in large]
            slower = set(look([record_of(item, job_numbers[item.number]) for item in others]))
            return large + [item for item in others if job_numbers[item.number] in slower]

        heat = measure_heat(jobs, self.observer, look_at, seconds)
        self._compiled.update(planned[item.number][2] for item in heat.launches if item.warm_up)
        self.form = next((item.worker.form for item in heat.launches if item.finished), self.form)
        if not heat.was_interrupted:
            killed = oom_kill_counter() - kills
            has_shortage = killed > 0 or any(
                launch.error is not None and lacked_memory(launch.error, killed)
                for launch in heat.launches
            )
            shortage = self._memory.note_shortage(len(jobs)) if has_shortage else Shortage.NONE
            failures += failures_of_heat(heat, job_numbers, race, self.max_memory_bytes, shortage)
        failed = {failure.candidate for failure in failures}
        return HeatResult(
            self._heat(heat, job_numbers, plan, race, monotonic() - start),
            failures,
            was_interrupted=heat.was_interrupted,
            lacks_launches=any(
                launch.error is not None and job_numbers[launch.number] not in failed
                for launch in heat.launches
            ),
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
            record_of(launch, numbers[launch.number], heat.rounds)
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
        placement = self._place(point, stack)
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
            timeouts=race_timeouts(self.timeout, self.seconds, race),
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


def _own_classes(stack: Stack) -> dict[str, str]:
    """Return the classes of the user's own layers as ``module:Class``, by their names."""
    return {
        layer.name: f"{type(layer).__module__}:{type(layer).__qualname__}"
        for layer in stack.layers
        if KINDS.get(layer.name) is not type(layer)
    }
