"""One launch of a stack, observed from inside and outside."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from subjects import HERE, Witness

from traingate.controller.job import Job, LaunchPlan
from traingate.controller.measure import measure
from traingate.controller.scales import SCALES
from traingate.layers.stack import Stack
from traingate.records import Measurement
from traingate.report.progress import NoProgress
from traingate.workload import name_of


@dataclass(frozen=True)
class Observed:
    """The record, the operator table by name, and each rank's steps as the witness saw them."""

    record: Measurement
    operators: dict[str, dict]
    steps: list[list[dict]]

    @property
    def losses(self) -> list[float]:
        """Of the first five steps of rank 0, warm-up among them."""
        return [step["loss"] for step in self.steps[0][:5]]

    @property
    def counters(self) -> dict[str, int]:
        return self.record.launches[0].counters


def job_of(layers, workload, directory: Path, steps: int) -> Job:
    """One launch of the stack; what this machine lacks for it skips the test."""
    name = name_of(workload, "workload")
    stack = Stack.of(layers)
    for lack in stack.missing_requirements():
        pytest.skip(str(lack))
    return Job(
        workload=name,
        identity=name.identity(HERE),
        stack=stack,
        scale=SCALES["smoke"],
        launches=LaunchPlan(1, 1),
        compile_cache=directory / "cache",
        import_paths=(str(HERE),),
        steps=steps,
        work=(1.0, 1),
    )


def observe_once(layers, workload, directory: Path, launches: int = 1, steps: int = 5) -> Observed:
    """Measure the stack, with a witness of each step."""
    witness = Witness(str(directory / "steps"))
    job = replace(
        job_of([*layers, witness], workload, directory, steps),
        launches=LaunchPlan(launches, launches),
        profile=True,
    )
    result = measure(job, lambda _: True, NoProgress())
    ranks = sorted(directory.glob("steps.*"), key=lambda file: int(re.sub(r".*\.", "", file.name)))
    return Observed(
        result.measurement,
        {row["name"]: row for row in result.operators},
        [[json.loads(line) for line in file.read_text().splitlines()] for file in ranks],
    )
