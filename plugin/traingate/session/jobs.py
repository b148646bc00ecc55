"""Turn the requests of tests into jobs for the controller."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from traingate.comparison.base_side import BaseSides
from traingate.comparison.launch_count import launch_plan
from traingate.controller.job import Job, ProfilePlan, Timeouts
from traingate.environments.interpreter import find_interpreter
from traingate.environments.placement import Placement, place, place_in
from traingate.environments.registry import RUNNING, Environment, Environments
from traingate.gate.limits import Limits
from traingate.layers.stack import Stack
from traingate.options import Settings
from traingate.protocol import messages
from traingate.records import Measurement, Published
from traingate.untrusted.plain_text import without_surrogates
from traingate.workload import ObjectName, project_paths

_PROFILED_STEPS: Final = 2
"""Steps that are profiled if the user asks for profiles."""


@dataclass(frozen=True)
class BenchmarkRequest:
    """Request of one test to measure a workload.

    Attributes:
        test: Full name of the test (pytest's node ID).
        workload: Name of the workload to train.
        stack: Layers to train it under.
        limits: Limits that the test's marker sets.
        published: Published figures to show together with the result.
        placement: Environment that the stack runs in; None for the running one.
        base: Environment of the base of a duet; None for that of the stack.
        environment: Name of the environment that the test asks for; None if it asks for none.
    """

    test: str
    workload: ObjectName
    stack: Stack
    limits: Limits
    published: tuple[Published, ...] = ()
    placement: Placement | None = None
    base: Placement | None = None
    environment: str | None = None


@dataclass
class JobFactory:
    """Maker of the jobs of a session's candidates.

    Attributes:
        settings: Settings of the session.
        root: Pytest's rootdir; names in records are relative to it.
        search_path: Pytest's ``sys.path``, which a test may change.
        directory: Directory for compile caches.
        base_sides: Base sides of the session's duets.
    """

    settings: Settings
    root: Path
    search_path: Sequence[str]
    directory: Path
    base_sides: BaseSides
    _measurements: dict[tuple[str, str], Measurement] = field(default_factory=dict, init=False)

    @cached_property
    def _environments(self) -> Environments:
        return Environments(self.settings.environment)

    def place(
        self, stack: Stack, workload: ObjectName, environment: str | None
    ) -> tuple[Placement, Placement | None]:
        """Return the environments of a test and of the base of its duet.

        Args:
            stack: Layers of the test.
            workload: Workload of the test.
            environment: Name of the environment that the test asks for; None if it asks for none.

        Returns:
            The placement of the candidate; and that of the base, None if it is the same.

        Raises:
            ConfigurationError: If there is no environment of a name, or if it fails to answer.
            WorkloadError: If the worker could not import the class of a layer.
        """
        paths_for = partial(self.paths_for, workload)
        placement = place(stack, self._environments, environment, paths_for)
        base = self._base_environment
        return placement, None if base is None else place_in(stack, base, paths_for)

    @cached_property
    def _base_environment(self) -> Environment | None:
        """Return the environment of the base of all duets, None for that of each candidate.

        Raises:
            ConfigurationError: If there is none of that name, or if it cannot be used.
        """
        if self.settings.against_environment:
            return self._environments.get(self.settings.against_environment)
        if self.settings.against_python is None:
            return None
        interpreter = find_interpreter(self.settings.against_python, "--traingate-against-python")
        return Environment("", interpreter)

    def job_for(self, request: BenchmarkRequest) -> Job:
        """Return the job of the candidate, with the facts of an earlier test of its workload."""
        settings, placement = self.settings, request.placement
        environment = RUNNING if placement is None else placement.environment
        identity = without_surrogates(request.workload.identity(self.root))
        cache_key = f"{identity} {request.stack.factories()} {environment.name}"
        previous = self._measurements.get((identity, environment.name))
        return Job(
            workload=request.workload,
            identity=identity,
            project=self.root,
            stack=request.stack,
            scale=settings.scale,
            launches=launch_plan(settings, request.stack),
            compile_cache=self.directory / hashlib.sha256(cache_key.encode()).hexdigest()[:16],
            import_paths=tuple(self.paths_for(request.workload, environment)),
            search_paths=tuple(project_paths(self.search_path)),
            steps=settings.steps,
            steady=settings.steady,
            timeouts=Timeouts.of(settings.timeout),
            profile=self._profile_plan(request),
            work=None if previous is None else _work_of(previous),
            peak_rss_bytes=None if previous is None else previous.peak_memory_bytes,
            environment=environment,
            request=None if placement is None else placement.examination.request,
        )

    def _profile_plan(self, request: BenchmarkRequest) -> ProfilePlan | None:
        """Return the plan for profiling a test: its record needs a profile to be explained by.

        Raises:
            ConfigurationError: If the folder of a test's profiles cannot be made.
        """
        settings = self.settings
        if settings.profile is not None:
            from traingate.report.profiles import (  # noqa: PLC0415 - loads templates
                make_profile_folder,
            )

            folder = make_profile_folder(Path(settings.profile), request.test)
            return ProfilePlan(_PROFILED_STEPS, details=True, folder=folder)
        return ProfilePlan() if settings.keeps_profiles else None

    def paths_for(self, workload: ObjectName, environment: Environment) -> list[str]:
        """Return the folders that a worker in *environment* adds to its search path."""
        search_paths = project_paths(self.search_path)
        return self.base_sides.project_paths(search_paths, Path(workload.file), environment)

    def remember(self, job: Job, measurement: Measurement) -> None:
        """Remember the work and the memory of a workload for its next test.

        Args:
            job: Job that ``job_for`` has returned.
            measurement: Newest measurement of that job.
        """
        self._measurements[job.identity, job.environment.name] = measurement


def _work_of(measurement: Measurement) -> messages.WorkCounted:
    """Return the work of a plain step that a measurement has counted."""
    counts = measurement.counts
    return messages.WorkCounted(
        counts.flops_per_sample,
        counts.operators_per_step,
        counts.bytes_per_sample,
        counts.fixed_bytes_per_step,
    )
