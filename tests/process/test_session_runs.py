"""One test's way through a session: measured by real workers, judged, and failed or not."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
from workers import BATCH_SIZE, TRAININGS, name_in, record_of, with_yardstick

from sample_records import save_run
from sample_settings import settings
from traingate.comparison.base import NoComparison
from traingate.controller.duet import DuetInterrupted
from traingate.controller.scales import SCALES
from traingate.errors import BaselineError, NoRunError
from traingate.gate.limits import Limits
from traingate.host.hardware import hardware
from traingate.layers.stack import Stack
from traingate.records import Outcome, Published, Verdict
from traingate.report.progress import NoProgress
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest

pytestmark = pytest.mark.usefixtures("stand_in")

TEST = "test_training.py::test_sleeping"
SLEEPING = BenchmarkRequest(TEST, name_in(TRAININGS, "sleeping"), Stack(), Limits())

TOLERANCE = 40.0  # the yardstick may differ by three times as much from the stored one

ONCE = replace(SCALES["smoke"], launches=1)
FAST = (1e-6,) * 4
SCATTERED = (1e-6, 1e-3, 1.0, 1e3)


@pytest.fixture
def session(temporary):
    """``session(storage=..., ...)``: a session of one launch of two steps with such settings."""
    sessions = []

    def start(root=TRAININGS.parent, comparison_factory=None, **changes):
        storage = str(temporary / "storage")
        chosen = settings(
            **{"launches": 1, "steps": 2, "storage": storage, "tolerance": TOLERANCE, **changes}
        )
        sessions.append(Session(chosen, root, [str(root)], comparison_factory))
        return sessions[-1]

    yield start
    for each in sessions:
        each.close()


@pytest.fixture
def save(temporary):
    """``save(step_seconds)``: a saved run of ``sleeping`` on this machine, of no commit."""

    def write(step_seconds, **changes):
        of_sleeping = {"workload": "trainings.py::sleeping", "stack": (), "scale": "smoke"}
        record = record_of(step_seconds, machine=hardware(), **{**of_sleeping, **changes})
        save_run(temporary / "storage" / "0001_base.json", {TEST: with_yardstick(record)})

    return write


def measured(session, request=SLEEPING):
    return session.run(request, NoProgress()).measurement


def test_without_a_comparison_there_is_a_measurement_and_no_verdict(session):
    published = (Published(100.0, "an article"),)
    limits = Limits(min_samples_per_second=0.001, max_first_step_seconds=1e6)
    started = session(price=3.6)
    measurement = measured(started, replace(SLEEPING, limits=limits, published=published))
    assert (measurement.verdict, measurement.duet) == (None, None)
    assert (len(measurement.launches), len(measurement.step_seconds)) == (1, 2)
    assert measurement.published == published
    assert measurement.samples_per_dollar == pytest.approx(measurement.samples_per_second * 1000)
    assert started.verdicts == []


def test_a_run_that_accepts_and_compares_nothing_is_an_anchor_for_later(session):
    verdict = measured(session(accept="a better loss")).verdict
    assert (verdict.outcome, verdict.failed) == (Outcome.NO_BASELINE, False)
    assert verdict.accepted.reason == "a better loss"


class Activities(NoProgress):
    """Keeps what the worker was asked to do."""

    def __init__(self):
        self.names = []

    def doing(self, activity):
        self.names.append(activity)


def test_where_nothing_is_to_be_measured_a_single_step_is_taken_without_yardstick_and_flops(
    session,
):
    activities = Activities()
    started = session(measures=False, launches=3, steps=9, compare=True)
    measurement = started.run(SLEEPING, activities).measurement
    assert len(measurement.step_seconds) == 1
    assert measurement.verdict is None
    assert measurement.samples_per_second > 1
    assert (measurement.flops_per_sample, measurement.roofline_flops_per_second) == (None, None)
    assert measurement.launches[0].yardstick_seconds == ()
    assert "first step" in activities.names
    assert "counting FLOPs" not in activities.names


def test_a_missing_baseline_fails_before_anything_is_measured(session):
    class NothingStarts(NoProgress):
        def launching(self, number, planned):
            raise AssertionError("a launch was started")

    with pytest.raises(BaselineError, match="No saved run in "):
        session(compare=True).run(SLEEPING, NothingStarts())


def test_a_missing_baseline_is_recorded_where_that_is_asked_for(session):
    started = session(compare=True, on_missing="record")
    verdict = measured(started).verdict
    assert (verdict.outcome, verdict.failed) == (Outcome.NO_BASELINE, False)
    assert verdict.reason.startswith("No stored run has trainings.py::sleeping")
    assert started.verdicts == [(TEST, verdict)]


@pytest.mark.parametrize("on_missing", ["fail", "record"])
@pytest.mark.parametrize(
    "stored",
    [
        pytest.param({"batch_size": 2 * BATCH_SIZE}, marks=pytest.mark.long),
        {"verdict": Verdict(outcome=Outcome.REGRESSED, failed=True, tolerance_percent=5)},
        {"workload": "trainings.py::renamed"},
    ],
    ids=["batch size", "failed gate", "workload"],
)
def test_a_test_whose_record_does_not_fit_is_not_new(session, save, on_missing, stored):
    save([0.01] * 4, **stored)
    started = session(compare=True, on_missing=on_missing)
    with pytest.raises(BaselineError) as caught:
        measured(started)
    assert started.refusals == {TEST: caught.value}
    assert started.verdicts == []
    assert ("--traingate-allow-missing does" in str(caught.value)) == (on_missing == "record")


def test_a_run_that_is_selected_by_its_name_must_exist_even_if_new_tests_are_recorded(session):
    started = session(compare="0009_typo", on_missing="record")
    with pytest.raises(NoRunError, match="No saved run matches '0009_typo'"):
        measured(started)


def test_launches_of_an_allowed_test_that_show_another_batch_size_are_not_measured_again(
    session, save
):
    save([0.01] * 4, batch_size=2 * BATCH_SIZE)
    steps = []

    class Counting(NoProgress):
        def stepped(self, step, steps_of_launch, samples_per_second):
            steps.append(step)

    started = session(compare=True, allow_missing=frozenset({TEST}))
    measurement = started.run(SLEEPING, Counting()).measurement
    assert measurement.verdict.outcome is Outcome.NO_BASELINE
    assert steps.count(len(measurement.step_seconds)) == len(measurement.launches) == 1


def test_another_batch_size_is_not_new_and_is_no_reason_to_pass(session, save):
    save([0.01] * 4, batch_size=2 * BATCH_SIZE)
    with pytest.raises(BaselineError, match="0001_base"):
        measured(session(compare=True, on_missing="record"))


@pytest.mark.parametrize(
    ("stored", "on_inconclusive", "expected"),
    [
        (FAST, "warn", (Outcome.REGRESSED, True, 1)),
        (SCATTERED, "warn", (Outcome.INCONCLUSIVE, False, 2)),
        (SCATTERED, "fail", (Outcome.INCONCLUSIVE, True, 2)),
    ],
)
def test_a_regression_fails_at_once_and_an_open_verdict_in_the_end_as_the_settings_say(
    session, save, stored, on_inconclusive, expected
):
    save(stored)
    started = session(compare=True, on_inconclusive=on_inconclusive, scale=ONCE, launches=2)
    measurement = measured(started)
    verdict = measurement.verdict
    assert (verdict.outcome, verdict.failed, verdict.launches) == expected
    assert len(measurement.launches) == verdict.launches
    assert verdict.baseline == "0001_base.json (2026-11-22 10:00)"
    assert started.verdicts == [(TEST, verdict)]


def test_limits_of_the_marker_fail_a_test_that_is_compared_with_nothing(session):
    limits = Limits(min_samples_per_second=1e9, max_first_step_seconds=1e-9)
    started = session()
    verdict = measured(started, replace(SLEEPING, limits=limits)).verdict
    assert (verdict.outcome, verdict.failed) == (Outcome.NO_BASELINE, True)
    throughput, first_step = verdict.broken_limits
    assert throughput.endswith("samples/s, and the marker asks for at least 1e+09")
    assert first_step.endswith("and the marker allows 1e-09 s")
    assert started.verdicts == [(TEST, verdict)]


def test_limits_of_memory_fail_a_test(session):
    limits = Limits(max_peak_rss_bytes=1, max_memory_growth_bytes_per_step=1 << 20)
    leaking = replace(SLEEPING, workload=name_in(TRAININGS, "leaking"), limits=limits)
    verdict = measured(session(steps=10), leaking).verdict
    assert verdict.failed
    peak, growth = verdict.broken_limits
    assert peak.endswith("bytes of resident memory at the peak, and the marker allows 1")
    assert growth.startswith("the memory grows by 4,")
    assert growth.endswith("bytes per step, and the marker allows 1,048,576")


def test_an_accepted_slowdown_fails_nothing_and_is_no_verdict_of_a_broken_limit(session, project):
    file = project.folder / "test_model.py"
    file.write_text('accept_reason = "a larger model"\n')
    project.write(0.04)
    limits = Limits(accept_reason="a larger model", accept_slowdown=95.0)
    request = replace(
        SLEEPING, test="test_model.py::test", workload=name_in(project.model, "model")
    )
    started = session(project.folder, against="HEAD", launches=2, scale=ONCE, tolerance=40.0)
    verdict = measured(started, replace(request, limits=limits)).verdict
    assert (verdict.outcome, verdict.failed) == (Outcome.REGRESSED, False)
    assert verdict.accepted.reason == "a larger model"
    slow = replace(limits, min_samples_per_second=1e9)
    verdict = measured(started, replace(request, limits=slow)).verdict
    assert (verdict.failed, verdict.accepted) == (True, None)
    started.close()


@pytest.fixture
def _interruptible():
    """Let SIGINT raise, also where a shell has started pytest in the background and ignores it."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


class CtrlC(NoProgress):
    """Observer that presses Ctrl-C at the start of the second pair's measured steps."""

    def __init__(self):
        self._launch = self._measured = 0

    def launching(self, number, planned):
        self._launch = number

    def stepped(self, step, steps, samples_per_second):
        self._measured += 1
        if self._launch == 2 and self._measured > 2 + 4:  # alone, and the first pair
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_in_a_duet_says_how_far_it_was_and_leaves_nothing(session, project, temporary):
    started = session(project.folder, against="HEAD", launches=2, scale=ONCE)
    request = replace(SLEEPING, workload=name_in(project.model, "model"))
    with pytest.raises(DuetInterrupted) as caught:
        started.run(request, CtrlC())
    assert len(caught.value.pairs) == 1
    assert started.interruption.startswith(f"{TEST}: ")
    assert "broken off after one pair, which measured it as" in started.interruption
    assert started.verdicts == []
    assert len(project.worktrees()) == 2
    assert len(list(temporary.glob("traingate-*"))) == 2
    started.close()
    assert len(project.worktrees()) == 1
    assert list(temporary.glob("traingate-*")) == []


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_in_a_comparison_without_a_duet_is_told_too(session):
    class Interrupted(NoComparison):
        def conclude(self, measurement, observer):
            signal.raise_signal(signal.SIGINT)

    started = session(comparison_factory=lambda _request, _job, tolerance: Interrupted(tolerance))
    with pytest.raises(KeyboardInterrupt):
        measured(started)
    assert started.interruption.startswith(f"{TEST}: ")
    assert started.interruption.endswith(" samples/s; the comparison was broken off: no verdict")
