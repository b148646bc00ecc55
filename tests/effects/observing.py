"""Observations of one launch of a stack, from inside the worker and from the controller."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from reading import operator_rows
from step_log import StepLog
from subjects import HERE

from traingate.controller.job import Job, LaunchPlan, ProfilePlan
from traingate.controller.measure import measure
from traingate.controller.scales import SCALES
from traingate.environments.placement import Placement, place
from traingate.environments.registry import Environments
from traingate.layers.stack import Stack
from traingate.protocol import messages
from traingate.records import Measurement
from traingate.report.progress import NoProgress
from traingate.workload import name_of


@dataclass(frozen=True)
class Observation:
    """Observation of a launch.

    Attributes:
        record: Record of the measurement.
        operators: Rows of ``reading.operator_rows``, keyed by the name of the operator; empty if
            the launch was not profiled.
        steps: Lines of the ``StepLog``, one list for each rank.
        peak_bytes: Largest memory of a step's tensors by phase, in bytes; empty without details.
    """

    record: Measurement
    operators: dict[str, dict]
    steps: list[list[dict]]
    peak_bytes: dict[str, int]

    @property
    def losses(self) -> list[float]:
        """Return the losses of the first five steps of rank 0, the warm-up included."""
        return [step["loss"] for step in self.steps[0][:5]]

    @property
    def counters(self) -> dict[str, int]:
        """Return the counters of the first launch."""
        return self.record.launches[0].counters


COMPILERS = {"torch_compile", "compiled_step"}


def job_of(layers, workload, directory: Path, steps: int, environment: str | None = None) -> Job:
    """Return the job of one launch of the stack; skip the test if this machine cannot run it."""
    name = name_of(workload, "workload")
    stack = Stack.of(layers)
    placement = place(stack, Environments(), environment, lambda _environment: (str(HERE),))
    for requirement in placement.examination.missing_requirements:
        pytest.skip(str(requirement))
    return Job(
        workload=name,
        identity=name.identity(HERE),
        stack=stack,
        scale=SCALES["smoke"],
        launches=LaunchPlan(1, 1),
        compile_cache=_shared(directory.parent) / f"kernels-{_graph_key(stack, placement)}",
        import_paths=(str(HERE),),
        steps=steps,
        work=messages.WorkCounted(1.0, 1),
        environment=placement.environment,
        request=placement.examination.request,
    )


def _shared(folder: Path) -> Path:
    """Return the folder that all processes of xdist share, given the temporary one of a process."""
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


def _graph_key(stack: Stack, placement: Placement) -> str:
    """Return a name for the cache of kernels that stacks with equal graphs share.

    Inductor tells models apart, but neither numbers of threads nor backends.
    """
    compilers = [layer for layer in stack.layers if layer.name in COMPILERS]
    key = repr((placement.environment.name, placement.examination.request, compilers))
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def observe_once(
    layers,
    workload,
    directory: Path,
    *,
    environment: str | None = None,
    profile: bool = True,
    details: bool = False,
) -> Observation:
    """Return the observation of a launch of the stack with five steps, and a log of each step.

    Args:
        layers: Layers of the stack.
        workload: Function that returns the training.
        directory: Folder for the log, in a folder for the kernels of other launches too.
        environment: Environment of the worker; None for that of the stack.
        profile: Whether to take steps under torch's profiler, which takes some seconds.
        details: Whether to take those under all other profilers too.
    """
    step_log = StepLog(str(directory / "steps"))
    job = replace(
        job_of([*layers, step_log], workload, directory, 5, environment),
        profile=ProfilePlan(2, details) if profile else None,
    )
    result = measure(job, lambda _: True, NoProgress())
    rank_files = sorted(
        directory.glob("steps.*"), key=lambda file: int(re.sub(r".*\.", "", file.name))
    )
    return Observation(
        result.measurement,
        operator_rows(result.profile) if profile else {},
        [[json.loads(line) for line in file.read_text().splitlines()] for file in rank_files],
        result.profile.peak_bytes if profile else {},
    )
