"""Find the fastest stack for the workload of a test, in a pytest run that races candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from traingate.comparison.base import ComparisonResult, PlannedLaunches
from traingate.controller.job import Job, LaunchPlan, Observer
from traingate.errors import ConfigurationError
from traingate.races.files import FOLDER, RaceFile
from traingate.races.running import RaceRun
from traingate.races.space import Space
from traingate.races.space_file import read_space_text
from traingate.races.wishes import Wishes
from traingate.records import Measurement
from traingate.records.race import Objective, Race
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest
from traingate.single_test import SingleTestPlugin
from traingate.training_setup import WorkloadName
from traingate.tuning.measuring import JobMeasurer
from traingate.tuning.memory import LEAST_TOGETHER
from traingate.tuning.requested_space import (
    requested_space,
    source_digests,
    without_size_of_plain,
)
from traingate.tuning.resumption import continued, read_earlier
from traingate.untrusted.clock import monotonic
from traingate.workload import ObjectName


@dataclass(frozen=True)
class TuneOptions:
    """Options of a race.

    Attributes:
        wishes: Wishes that widen or narrow the space.
        minutes: Time for the race.
        objective: Quantity that the winner has the most of.
        usd_per_hour: Price of the machine; None if unknown.
        max_memory_bytes: Largest memory that a candidate may take; None for no limit.
        space_file: TOML file with the axes; None for the default ones.
        seed: Seed of the choices of candidates.
        resume: True to go on with the newest race of the test, or the record to go on with.
        output: File for the record; None for the next one in ``FOLDER``.
    """

    wishes: Wishes = field(default_factory=Wishes)
    minutes: float = 30.0
    objective: Objective = "samples-per-second"
    usd_per_hour: float | None = None
    max_memory_bytes: int | None = None
    space_file: Path | None = None
    seed: int = 0
    resume: bool | Path = False
    output: Path | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Return what a race that goes on must have in common, for its record."""
        return {
            "objective": self.objective,
            "allow": list(self.wishes.allowed),
            "without": list(self.wishes.without),
            "batch-size": list(self.wishes.batch_sizes),
            "workers": list(self.wishes.workers),
            "environment": list(self.wishes.environments),
            "max-memory": self.max_memory_bytes,
            "space": read_space_text(self.space_file) if self.space_file else "",
        }


@dataclass
class TuneRun:
    """Run of ``traingate tune``.

    Attributes:
        options: Options.
        report: Function that is called after each heat, with the race and the seconds that it has.
        announce: Function that is called with the space, and what was left out of it, before the
            first heat.
        race: Race as far as it is known; None before the plain workload was measured.
        start: Time of the start of the command.
        plugin: Plugin of its pytest run.
    """

    options: TuneOptions
    report: Callable[[Race, float, Callable[[str], None]], None]
    announce: Callable[[Space, Mapping[str, str], Callable[[str], None]], None]
    race: Race | None = None
    start: float = field(default_factory=monotonic)
    plugin: SingleTestPlugin = field(init=False)
    _earlier: Race | None = None
    _file: RaceFile | None = None

    @property
    def path(self) -> Path | None:
        """Return the file of the race's record; None before it is saved for the first time."""
        return None if self._file is None else self._file.path

    def run(self, test: str, arguments: Sequence[str]) -> int:
        """Race the candidates, and return the exit status of pytest.

        Args:
            test: Full name of the test.
            arguments: Further arguments for pytest.
        """
        self.plugin = SingleTestPlugin(
            self._compare, launches=1, is_exact=True, check_test=self._read_earlier
        )
        self._write_line = self.plugin.write_line
        return self.plugin.run(test, ("--benchmark-quiet", "--no-header"), arguments)

    def _read_earlier(self, root: Path, test: str) -> None:
        """Read the race to go on with, before anything is started or measured.

        Raises:
            ConfigurationError: If it is of another test, or has other settings.
            DamagedRecordError, NoRunError: If there is no earlier race that can be read.
        """
        options = self.options
        if options.resume:
            path = None if options.resume is True else options.resume
            self._earlier, self._file = read_earlier(
                path, root / FOLDER, test=test, seed=options.seed, settings=options.settings
            )

    def _compare(
        self, session: Session, request: BenchmarkRequest, job: Job, _tolerance: float
    ) -> _RaceComparison:
        """Return the race, in the place of a comparison."""
        options = self.options
        wishes = replace(options.wishes, fewer_cores=options.objective == "samples-per-dollar")
        space, left_out = requested_space(session, request, wishes, options.space_file)
        self.announce(space, left_out, self._write_line)
        return _RaceComparison(self, session, request, job, space)

    def race_candidates(
        self,
        session: Session,
        request: BenchmarkRequest,
        space: Space,
        plain: Measurement,
        observer: Observer,
    ) -> None:
        """Run the race, or go on with an earlier one.

        Raises:
            ConfigurationError: If the earlier race is of other code, settings or another machine.
        """
        options = self.options
        space = without_size_of_plain(space, plain.batch_size)
        race = self._start(request, space, plain)
        if self._earlier is not None:
            race = continued(self._earlier, race)
        self._file = self._file or RaceFile(session.root / FOLDER, options.output)
        measurer = JobMeasurer(
            session,
            request,
            space,
            observer,
            max_memory_bytes=options.max_memory_bytes,
            timeout=session.settings.timeout,
            seconds=60 * options.minutes,
        )
        if measurer.capacity(race) < LEAST_TOGETHER:
            raise ConfigurationError(
                "a race needs memory for two launches at the same time: use a smaller batch size, "
                "or free some memory"
            )
        spent = monotonic() - self.start
        self._seconds = race.seconds + max(0.0, 60 * options.minutes - spent)

        def keep(race: Race) -> None:
            self._keep(_with_form(race, measurer))

        race = RaceRun(race, space, measurer, self._seconds, keep).run()
        self.race = _with_form(race, measurer)
        self.plugin.has_result = True

    def _start(self, request: BenchmarkRequest, space: Space, plain: Measurement) -> Race:
        """Return a race that nothing was measured for yet."""
        options = self.options
        return Race(
            test=request.test,
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            objective=options.objective,
            space_size=space.size,
            axes=space.labels_by_axis,
            fixed_layers=tuple(layer.name for layer in space.fixed),
            plain=plain,
            machine=plain.machine,
            settings={**options.settings, "own layers": source_digests(space)},
            usd_per_hour=options.usd_per_hour,
            seed=options.seed,
            files_digest=plain.launches[0].imported_files_digest,
            plain_seconds=monotonic() - self.start,
            workload_arguments=_arguments(request.workload),
        )

    def _keep(self, race: Race) -> None:
        """Save the race after a heat, and report it."""
        assert self._file is not None
        has_new_heat = self.race is None or len(race.heats) > len(self.race.heats)
        self.race = race
        try:
            self._file.save(race)
        except OSError as error:
            raise ConfigurationError(f"the race was not saved: {error}") from error
        if has_new_heat:
            self.report(race, self._seconds, self._write_line)


@dataclass(frozen=True)
class _RaceComparison(PlannedLaunches):
    """Race in the place of a comparison: the plain workload is measured, and then the race run."""

    tune_run: TuneRun
    session: Session
    request: BenchmarkRequest
    job: Job
    space: Space

    def prepare(self) -> Job:
        """Return the job of the plain workload, which all candidates share but for their stack."""
        stack = self.space.stack(self.space.plain)
        placement, _ = self.session.jobs.place(
            stack, self.request.workload, self.space.environment(self.space.plain)
        )
        request = replace(self.request, stack=stack, placement=placement, base=None)
        return replace(self.session.jobs.job_for(request), profile=None, launches=LaunchPlan(1, 1))

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Run the race, and return no verdict."""
        self.tune_run.race_candidates(self.session, self.request, self.space, measurement, observer)
        return ComparisonResult(None)


def _with_form(race: Race, measurer: JobMeasurer) -> Race:
    """Return the race with the parts that its training has, once a launch has told."""
    if measurer.form is None:
        return race
    return msgspec.structs.replace(race, form=vars(measurer.form))


def _arguments(workload: ObjectName) -> dict[str, Any]:
    """Return the arguments that the test gives to its workload."""
    return dict(workload.arguments) if isinstance(workload, WorkloadName) else {}
