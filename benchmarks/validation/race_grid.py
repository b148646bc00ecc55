"""Measure every candidate of a space once, each as the suite would measure a test of its own.

Run it as ``python benchmarks/validation/race_grid.py TEST --space FILE --output GRID``, with
further arguments for pytest at the end. If it is interrupted, the same command goes on. The record
is what docs/tuning.md compares races with, and what simulated races draw from.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from traingate.comparison.base import ComparisonResult, PlannedLaunches
from traingate.controller.job import Job, Observer
from traingate.controller.measure import measure
from traingate.errors import ConfigurationError, TraingateError
from traingate.races.space import Space
from traingate.races.wishes import Wishes
from traingate.records import Launch, Measurement
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest
from traingate.single_test import SingleTestPlugin
from traingate.tuning.requested_space import requested_space


class GridLaunch(msgspec.Struct):
    """One launch of a candidate.

    Attributes:
        value: Logarithm of the seconds per sample, relative to the yardstick's time around it.
        step_seconds: Mean time of a step.
        first_step_seconds: Time of the first step.
        setup_seconds: Time that building the training took.
    """

    value: float
    step_seconds: float
    first_step_seconds: float
    setup_seconds: float


class GridEntry(msgspec.Struct):
    """Measurement of one candidate.

    Attributes:
        choices: Labels of its choices by axis, without the defaults.
        launches: Its launches; empty if it could not be measured.
        seconds: Time that the whole measurement took.
        error: Reason for which it could not be measured; empty if it was.
    """

    choices: dict[str, str]
    launches: list[GridLaunch]
    seconds: float
    error: str = ""


class Grid(msgspec.Struct):
    """Measurements of all candidates of a space.

    Attributes:
        test: Full name of the test.
        machine: Processor and number of cores.
        axes: Labels of the choices of each axis.
        yardstick_seconds: Times of the matrix product and of the triad around the first launch, to
            which those around the others are related.
        entries: Measurements.
    """

    test: str
    machine: str
    axes: dict[str, tuple[str, ...]]
    yardstick_seconds: tuple[float, float]
    entries: list[GridEntry] = msgspec.field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return the time that measuring the grid took."""
        return math.fsum(entry.seconds for entry in self.entries)


@dataclass
class GridRun:
    """Run that measures a grid.

    Attributes:
        space_file: TOML file with the axes.
        output: File of the record.
    """

    space_file: Path
    output: Path

    def run(self, test: str, arguments: list[str]) -> int:
        """Measure the grid of *test*, and return the exit status of pytest."""
        self.plugin = SingleTestPlugin(self._compare)
        return self.plugin.run(test, ("--benchmark-quiet",), arguments)

    def _compare(
        self, session: Session, request: BenchmarkRequest, _job: Job, _tolerance: float
    ) -> _GridComparison:
        space, left_out = requested_space(session, request, Wishes(), self.space_file)
        if left_out:
            raise ConfigurationError(f"these cannot run here: {left_out}")
        return _GridComparison(self, session, request, space)

    def measure_all(
        self,
        session: Session,
        request: BenchmarkRequest,
        space: Space,
        plain: Measurement,
        observer: Observer,
    ) -> None:
        """Measure the candidates that the record lacks."""
        grid = Grid(
            test=request.test,
            machine=plain.machine.title,
            axes=space.labels_by_axis,
            yardstick_seconds=(
                statistics.median(plain.launches[0].gemm_seconds),
                statistics.median(plain.launches[0].triad_seconds),
            ),
        )
        if self.output.exists():
            grid = msgspec.json.decode(self.output.read_bytes(), type=Grid)
        measured = [entry.choices for entry in grid.entries]
        points = [point for point in space.points if space.labels(point) not in measured]
        for number, point in enumerate(points, 1):
            start = time.monotonic()
            stack = space.stack(point)
            placement, _ = session.jobs.place(stack, request.workload, None)
            job = session.jobs.job_for(replace(request, stack=stack, placement=placement))
            launches, error = [], ""
            try:
                result = measure(replace(job, profile=None), lambda _: True, observer).measurement
                launches = [
                    grid_launch(launch, result.batch_size, grid.yardstick_seconds)
                    for launch in result.launches
                ]
            except TraingateError as failure:
                error = str(failure).splitlines()[0]
            seconds = time.monotonic() - start
            grid.entries.append(GridEntry(space.labels(point), launches, seconds, error))
            self.output.write_bytes(msgspec.json.format(msgspec.json.encode(grid), indent=1))
            value = statistics.fmean(item.value for item in launches) if launches else math.nan
            self.plugin.write_line(
                f"{number} of {len(points)}: {space.labels(point)} {value:.3f} in {seconds:.0f} s"
            )


def grid_launch(
    launch: Launch, batch_size: int, yardstick_seconds: tuple[float, float]
) -> GridLaunch:
    """Return the times of *launch*, related to the yardstick."""
    gemm, triad = yardstick_seconds
    yardstick = statistics.fmean(
        (gemm_seconds / gemm + triad_seconds / triad) / 2
        for gemm_seconds, triad_seconds in zip(
            launch.gemm_seconds, launch.triad_seconds, strict=True
        )
    )
    step = statistics.fmean(launch.step_seconds)
    return GridLaunch(
        value=math.log(step / batch_size / yardstick),
        step_seconds=step,
        first_step_seconds=launch.first_step_seconds,
        setup_seconds=launch.setup_seconds,
    )


@dataclass(frozen=True)
class _GridComparison(PlannedLaunches):
    """Grid in the place of a comparison."""

    grid_run: GridRun
    session: Session
    request: BenchmarkRequest
    space: Space

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Measure the grid, and return no verdict."""
        self.grid_run.measure_all(self.session, self.request, self.space, measurement, observer)
        return ComparisonResult(None)


def main() -> int:
    """Measure the grid that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("test")
    parser.add_argument("--space", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options, arguments = parser.parse_known_args()
    return GridRun(options.space, options.output).run(options.test, arguments)


if __name__ == "__main__":
    sys.exit(main())
