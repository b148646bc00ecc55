"""Test that a run that signals end leaves nothing behind and is never green, wherever it stands."""

from __future__ import annotations

import itertools
import json
import os
import pty
import signal
import subprocess
import time

import psutil
import pytest
from session_points import POINTS, standing_still
from session_sites import MODELS, TEST, TEST_FILE, TESTS, TRAINGATE

from long_cases import some_long
from traingate.ending.pytest_process import PytestEnd, run_pytest

INTERRUPTED = 2
CANCELLED = {
    *((point, signal.SIGTERM) for point in ("collecting", "preparing", "frozen", "reporting")),
    ("preparing", signal.SIGHUP),
}
"""Points at which the short tests let a service cancel the run, and by which signal."""
SECOND_SIGNALS = {("preparing", signal.SIGINT), ("frozen", signal.SIGTERM)}
"""Points at which the short tests send a second signal at once, and which."""
SECOND_TIMES = {("preparing", 300), ("frozen", 30)}
"""Points at which the short tests try a second Ctrl-C, and milliseconds until then."""
KILL_POINTS = ("preparing", "checking out", "frozen")
"""Points at which the short tests try SIGKILL: a worker, git, or a base has to be removed."""
UNHANDLED = {"saving", "reporting"}
"""Points at which pytest lets Ctrl-C end Python: its own hook for the end of a session runs."""


def _some_pairs_long(values, short):
    """Return parameters for each point with each of *values*; pairs not in *short* are long."""
    return [
        pytest.param(*pair, marks=() if pair in short else pytest.mark.long)
        for pair in itertools.product(POINTS, values)
    ]


@pytest.mark.parametrize("point", POINTS)
def test_ctrl_c_ends_a_run_and_all_of_it(project, point):
    with standing_still(project, point) as run:
        os.killpg(run.process.pid, signal.SIGINT)
        ended = run.wait()
    assert project.leftovers(0) == []
    assert ended.status == (-signal.SIGINT if point in UNHANDLED else INTERRUPTED), ended.output
    if point == "frozen":
        assert "samples/s; the comparison was broken off: no verdict" in ended.output


@pytest.mark.parametrize(
    ("point", "number"), _some_pairs_long((signal.SIGTERM, signal.SIGHUP), short=CANCELLED)
)
def test_a_service_that_cancels_a_run_finds_nothing_of_it_afterwards(project, point, number):
    options = ("--junitxml=junit.xml", "--traingate-json=results.json")
    with standing_still(project, point, *options) as run:
        run.process.send_signal(number)
        ended = run.wait()
    assert project.leftovers(0) == []
    is_measuring = point != "collecting"  # before, nothing was started
    assert ended.status == (128 + number if is_measuring else -number), ended.output
    has_results = is_measuring and point not in UNHANDLED
    assert (project.folder / "junit.xml").exists() == has_results
    if has_results:
        results = json.loads((project.folder / "results.json").read_text())
        assert (results["state"], results["counts"]["passed"]) == ("failed", 0)
        assert "not all tests were measured" in " ".join(results["problems"])


HANDLER = """
import signal
from pathlib import Path

signal.signal(signal.SIGHUP, lambda *_: Path("handled").touch())
"""


@pytest.mark.parametrize("owner", ["nohup", "a handler of the user"])
def test_a_signal_that_somebody_else_handles_does_not_end_the_run(project, owner):
    project.write("own_handler.py", HANDLER if owner != "nohup" else "")
    if owner == "nohup":
        project.prefix[:] = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    with standing_still(project, "stepping", "-p", "own_handler") as run:
        run.process.send_signal(signal.SIGHUP)
        if owner != "nohup":
            run.wait_until(project.folder / "handled")
        (project.root / "reached").unlink()
        ended = run.wait()
    assert ended.status == 0, ended.output
    assert ended.counts["passed"] == 1
    assert project.leftovers(0) == []


SHORT_LIMIT = """
from traingate.controller import job, worker_clock

worker_clock._OTHER_SECONDS = 3.0
job._START_SECONDS = 6.0
"""

STOPPED_SECONDS = 9

IN_MEASURED_STEP = MODELS.replace(
    'reach("first step" if len(steps) == 1 else "stepping")',
    'if len(steps) > 5:\n            reach("stepping")',
)


@pytest.mark.parametrize(
    ("point", "stops_workers"),
    [
        ("stepping", True),
        pytest.param("preparing", False, marks=pytest.mark.long),
        pytest.param("starting", True, marks=pytest.mark.long),
        pytest.param("starting", False, marks=pytest.mark.long),
        pytest.param("preparing", True, marks=pytest.mark.long),
        pytest.param("stepping", False, marks=pytest.mark.long),
    ],
)
def test_a_run_that_is_stopped_and_goes_on_blames_no_workload(project, point, stops_workers):
    """Ctrl-Z stops the run alone; a container that pauses stops its workers too."""
    project.write("short_limit.py", SHORT_LIMIT)
    project.write("models.py", IN_MEASURED_STEP)
    options = (
        "-p", "short_limit", "--traingate-timeout=6", "--traingate-steps=8",
        "--benchmark-json=run.json",
    )  # fmt: skip
    with standing_still(project, point, *options) as run:
        stopped = [run.process.pid]
        if stops_workers:
            stopped += [child.pid for child in psutil.Process(run.process.pid).children(True)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        (project.root / "reached").unlink()
        time.sleep(STOPPED_SECONDS)
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
        ended = run.wait()
    assert ended.counts["compared"] == 1, ended.output
    (benchmark,) = json.loads((project.folder / "run.json").read_text())["benchmarks"]
    was_stopped_in_a_step = stops_workers and point == "stepping"
    assert (max(benchmark["stats"]["data"]) > STOPPED_SECONDS - 1) == was_stopped_in_a_step
    assert was_stopped_in_a_step or ended.status == 0, ended.output
    assert project.leftovers(0) == []


@pytest.mark.parametrize("point", some_long(POINTS, KILL_POINTS))
def test_a_run_that_is_killed_is_cleaned_up_by_others(project, point):
    with standing_still(project, point) as run:
        run.process.kill()
        ended = run.wait()
    assert project.leftovers() == []
    assert ended.status == -signal.SIGKILL


@pytest.mark.parametrize(
    ("point", "second"),
    _some_pairs_long((signal.SIGINT, signal.SIGTERM), short=SECOND_SIGNALS),
)
def test_a_second_signal_at_once_breaks_no_cleaning_up(project, point, second):
    with standing_still(project, point) as run:
        os.killpg(run.process.pid, signal.SIGINT)
        run.process.send_signal(second)
        ended = run.wait()
    assert project.leftovers() == []
    assert ended.status != 0


@pytest.mark.parametrize(
    ("point", "milliseconds"),
    _some_pairs_long((1, 3, 10, 30, 100, 300, 1000), short=SECOND_TIMES),
)
def test_a_second_ctrl_c_at_any_time_breaks_no_cleaning_up(project, point, milliseconds):
    with standing_still(project, point) as run:
        os.killpg(run.process.pid, signal.SIGINT)
        time.sleep(milliseconds / 1000)
        os.killpg(run.process.pid, signal.SIGINT)
        ended = run.wait()
    assert project.leftovers() == []
    assert ended.status != 0


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("milliseconds", range(100, 2100, 100))
def test_a_signal_at_any_time_leaves_nothing(project, milliseconds, number):
    project.store()
    project.commit()
    run = project.start("--traingate-scale=smoke", "--traingate-against=HEAD")
    time.sleep(milliseconds / 1000)
    os.killpg(run.process.pid, number)
    ended = run.wait()
    assert project.leftovers() == []
    assert ended.status != 0


def test_a_test_that_swallows_the_signal_does_not_make_the_run_go_on(project):
    project.write(
        "test_speed.py",
        """
from models import model

def test_model(training_benchmark):
    try:
        training_benchmark(model)
    except BaseException:
        pass

def test_other():
    raise AssertionError("the run went on")
""",
    )
    with standing_still(project, "stepping") as run:
        run.process.send_signal(signal.SIGTERM)
        ended = run.wait()
    assert project.leftovers(0) == []
    assert ended.status == 128 + signal.SIGTERM
    assert "the run went on" not in ended.output


GATE, BISECT = ("ci", "gate", "--base=HEAD"), ("bisect", TEST, "--good=HEAD")
CALIBRATE, PROFILE = ("calibrate", TEST), ("profile", TEST)
DIFF = (f"-cfrom traingate.cli import main; main(['diff', 'HEAD', '--test={TEST}'])",)
"""Program of a command that takes no option of pytest."""

ABORTED = 1

SMOKE_INI = """[pytest]
addopts = -p no:randomly
traingate_scale = smoke
traingate_steps = 2
traingate_launches = 2
"""
"""Configuration of what the commands measure until they are ended."""


@pytest.mark.parametrize(
    ("command", "number", "status"),
    [
        *((command, signal.SIGTERM, 128 + signal.SIGTERM) for command in (GATE, PROFILE, DIFF)),
        *(
            pytest.param(command, signal.SIGTERM, 128 + signal.SIGTERM, marks=pytest.mark.long)
            for command in (BISECT, CALIBRATE)
        ),
        pytest.param(GATE, signal.SIGINT, INTERRUPTED, marks=pytest.mark.long),
        (CALIBRATE, signal.SIGHUP, 128 + signal.SIGHUP),
        (CALIBRATE, signal.SIGINT, 128 + signal.SIGINT),
        pytest.param(GATE, signal.SIGHUP, 128 + signal.SIGHUP, marks=pytest.mark.long),
        pytest.param(BISECT, signal.SIGINT, ABORTED, marks=pytest.mark.long),
        pytest.param(BISECT, signal.SIGHUP, 128 + signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_a_service_that_cancels_a_command_ends_its_pytest(project, command, number, status):
    project.write("pytest.ini", SMOKE_INI)
    point = "stepping" if command in {CALIBRATE, PROFILE} else "frozen"
    program = command if command == DIFF else (*TRAINGATE, *command)
    with standing_still(project, point, python=program) as run:
        run.process.send_signal(number)
        ended = run.wait()
    assert project.leftovers(0) == []
    assert ended.status == status, ended.output


def test_a_profile_of_fewer_tests_than_were_asked_for_is_no_success(project):
    project.write(TEST_FILE, f"{TESTS}\ndef test_second():\n    raise KeyboardInterrupt\n")
    ended = project.run("profile", TEST_FILE, "--traingate-scale=smoke", python=TRAINGATE)
    assert "self s" in ended.output or "forward" in ended.output, ended.output
    assert ended.status == INTERRUPTED


def test_a_signal_that_comes_before_pytest_has_started_is_passed_on(monkeypatch, tmp_path):
    """It comes as soon as the process has been made, before its start is noted."""
    start = subprocess.Popen

    def start_and_signal(*arguments, **options):
        process = start(*arguments, **options)
        signal.raise_signal(signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_signal)
    (tmp_path / "test_waiting.py").write_text("import time\ndef test_it():\n    time.sleep(600)\n")
    end = run_pytest(["test_waiting.py"], folder=tmp_path)
    assert end == PytestEnd(128 + signal.SIGTERM, signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_terminal_that_is_closed_ends_the_run(project):
    controller, terminal = pty.openpty()
    arguments = ("-qq", "--no-header")  # what it prints fits into the terminal, which nobody reads
    with standing_still(project, "stepping", *arguments, terminal=terminal) as run:
        os.close(terminal)
        os.close(controller)  # the kernel sends SIGHUP, and each write fails from now on
        ended = run.wait()
    assert project.leftovers() == []
    assert ended.status != 0
