"""Races of real workers: the winner, candidates that fail, interruption and continuation."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from traingate.races.answer import answer
from traingate.races.files import read_race
from traingate.records.race import Race

TEST = """
from models import model

def test_speed(training_benchmark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # paths on the command line are of the folder before
    training_benchmark(model)
"""

MODELS = """
from race_layers import tunable

def model():
    return tunable()
"""

SPEEDS = """
[axes]
speed = [
    "none",
    { "race_layers:Sleep" = { seconds = 0.004 } },
    { "race_layers:Sleep" = { seconds = 0.008 } },
    { "race_layers:Sleep" = { seconds = 0.02 } },
]
"""

TWO_SPEEDS = """
[axes]
speed = ["none", { "race_layers:Sleep" = { seconds = 0.004 } }]
"""

FAULTS = """
fault = [
    "none",
    { "race_layers:Fault" = { kind = "crash" } },
    { "race_layers:Fault" = { kind = "hang" } },
    { "race_layers:Fault" = { kind = "hungry" } },
    { "race_layers:Fault" = { kind = "raise" } },
    { "race_layers:Fault" = { kind = "refuse" } },
    { "race_layers:Fault" = { kind = "diverge" } },
]
"""

COMMAND = (sys.executable, "-c", "from traingate.cli import main; main()", "tune", "test_race.py")
OPTIONS = ("--space=space.toml", "--output=it.race.json", "--traingate-scale=smoke")


def _restore_interrupts():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores SIGINT


class RaceProject:
    """Project with one benchmark and a space."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_race.py").write_text(TEST)
        (folder / "models.py").write_text(MODELS)
        self.record = folder / "it.race.json"
        self.options = OPTIONS

    def start(self, space, *options, stderr=subprocess.STDOUT):
        (self.folder / "space.toml").write_text(space)
        return subprocess.Popen(
            [*COMMAND, *self.options, *options],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.folder.parent)},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            preexec_fn=_restore_interrupts,
        )

    def run(self, space, *options):
        process = self.start(space, *options)
        output, _ = process.communicate(timeout=240)
        return process.returncode, output


@pytest.fixture
def race_project(stand_in, temporary):
    folder = temporary / "project"
    folder.mkdir()
    return RaceProject(folder)


def _choices(race, number):
    return race.candidates[number].choices


@pytest.mark.timed
def test_the_fastest_of_four_speeds_wins_a_final(race_project):
    status, output = race_project.run(SPEEDS, "--minutes=1")
    assert status == 0, output
    race = read_race(race_project.record)
    result = answer(race)
    assert _choices(race, result.winner.candidate) == {"speed": "sleep(0.004)"}
    assert result.has_final
    assert result.winner.over_plain.interval[0] > 1.5
    slower = {_choices(race, item.candidate)["speed"] for item in race.eliminations}
    assert "sleep(0.02)" in slower
    assert "Fastest: sleep(0.004)" in output
    (contribution,) = result.contributions
    assert contribution.ratio.interval[0] > 1.5


@pytest.mark.long
@pytest.mark.timed
def test_candidates_that_fail_are_dropped_with_their_reasons(race_project):
    status, output = race_project.run(
        TWO_SPEEDS + FAULTS, "--minutes=1.5", "--max-memory=120MB", "--traingate-timeout=6"
    )
    assert status == 0, output
    race = read_race(race_project.record)
    winner = answer(race).winner.candidate
    assert _choices(race, winner) == {"speed": "sleep(0.004)"}
    reasons = {}
    for item in race.eliminations:
        fault = _choices(race, item.candidate).get("fault")
        if fault is not None:
            reasons.setdefault(fault, item.reason)
    expected = {
        "fault(crash)": "SIGSEGV",
        "fault(hang)": "gave no answer",
        "fault(hungry)": "--max-memory",
        "fault(raise)": "no such operator",
        "fault(refuse)": "cannot have it",
        "fault(diverge)": "its loss was NaN",
    }
    assert reasons.keys() == expected.keys(), output
    for fault, text in expected.items():
        assert text in reasons[fault]
        assert text in output


def _wait_for(process, pattern, seconds=60):
    """Read the output of a process up to a line that matches."""
    lines = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lines.append(process.stdout.readline())
        if re.search(pattern, lines[-1]) or not lines[-1]:
            break
    return "".join(lines)


@pytest.mark.timed
def test_an_interrupted_race_tells_what_it_knows_and_goes_on(race_project):
    process = race_project.start(SPEEDS, "--minutes=2")
    before = _wait_for(process, r"heat 2 ")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, before + rest
    assert "it was interrupted" in rest
    assert re.search(r"Ahead when it ended, without a final|Fastest", rest)
    interrupted = read_race(race_project.record)
    assert interrupted.end == "interrupted"
    status, output = race_project.run(SPEEDS, "--minutes=0.3", "--resume")
    assert status == 0, output
    race = read_race(race_project.record)
    assert race.heats[: len(interrupted.heats)] == interrupted.heats
    assert answer(race).has_final
    assert len(race.candidates) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_before_the_first_heat_leaves_nothing(race_project, number):
    process = race_project.start(SPEEDS)
    before = _wait_for(process, r"4 candidates")
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, before + rest
    assert not race_project.record.exists() or not read_race(race_project.record).heats


@pytest.mark.long
@pytest.mark.timed
def test_an_interrupted_final_keeps_its_winner(race_project):
    process = race_project.start(SPEEDS, "--minutes=1")
    before = _wait_for(process, r"\(final\)")
    before += _wait_for(process, r"\(final\)")
    time.sleep(1.5)  # somewhere in the third heat of the final
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    race = read_race(race_project.record)
    assert (process.returncode, race.end) == (130, "interrupted"), before + rest
    result = answer(race)
    assert result.has_final
    assert _choices(race, result.winner.candidate) == {"speed": "sleep(0.004)"}


@pytest.mark.long
def test_a_failed_assertion_on_plain_changes_no_result_and_no_record(race_project):
    source = TEST.replace("training_benchmark(model)", "assert not training_benchmark(model)")
    (race_project.folder / "test_race.py").write_text(source)
    process = race_project.start(SPEEDS, "--minutes=0.2", "--format=json", stderr=subprocess.PIPE)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert msgspec.json.decode(output, type=Race) == read_race(race_project.record)
    assert "heat 1" in errors
    assert "FAILED" not in errors


def test_a_name_of_several_tests_is_refused(race_project):
    second = "\ndef test_other(training_benchmark):\n    training_benchmark(model)\n"
    (race_project.folder / "test_race.py").write_text(TEST + second)
    status, output = race_project.run(SPEEDS, "--minutes=0.2")
    assert status == 2
    assert "name one training benchmark" in output
    assert "test_race.py::test_other" in output


@pytest.mark.long
def test_a_race_of_other_settings_or_other_code_does_not_go_on(race_project):
    status, output = race_project.run(SPEEDS, "--minutes=0.1")
    assert status == 0, output
    other = SPEEDS.replace("0.008", "0.009")
    status, output = race_project.run(other, "--minutes=0.2", "--resume")
    assert status == 2
    assert "cannot go on, because these differ: --space" in output
    assert "candidates" not in output  # so nothing was measured
    status, output = race_project.run(SPEEDS, "--resume", "--seed=1", "--allow=a")
    assert status == 2
    assert "cannot go on, because these differ: --seed; --allow" in output
    status, output = race_project.run(
        SPEEDS, "--minutes=0.2", "--resume", "--traingate-scale=quick"
    )
    assert status == 2
    assert "these differ: the scale" in output
    (race_project.folder / "models.py").write_text(f"{MODELS}\nCHANGED = True\n")
    status, output = race_project.run(SPEEDS, "--minutes=0.2", "--resume")
    assert status == 2
    assert "these differ: the project's code" in output


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("it.race.json", "it.race.json is no record of a race"),
        ("other.race.json", "it.race.json is no record of a race"),
        (".traingate/races/0001_test_speed.race.json", "0001_test_speed.race.json is no"),
        (".traingate/races/0001_test_other.race.json", "no race of test_race.py::test_speed"),
    ],
)
def test_a_race_that_cannot_be_read_is_refused_before_the_test_starts(race_project, name, problem):
    source = TEST.replace("training_benchmark(model)", "open('started', 'x')")
    (race_project.folder / "test_race.py").write_text(source)
    record = race_project.folder / name
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text("{")
    if record.parent != race_project.folder:
        race_project.options = ("--space=space.toml", "--traingate-scale=smoke")
    status, output = race_project.run(SPEEDS, "--resume")
    assert status == 2, output
    assert problem in output
    assert not (race_project.folder / "started").exists()


def test_code_that_is_edited_meanwhile_ends_a_race(race_project):
    process = race_project.start(SPEEDS, "--minutes=2")
    before = _wait_for(process, r"heat 1 ")
    (race_project.folder / "models.py").write_text(f"{MODELS}\nCHANGED = True\n")
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 2, before + rest
    assert "was edited" in rest


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("[axes]\nspeed = ['none', 'no_such_layer']\n", "no layer of traingate"),
        ("[axes]\nspeed = ['none', {'race_layers:Nothing' = {}}]\n", "is no layer"),
        ("[axes]\nspeed = ['none', {'race_layers:Sleep' = {minutes = 1}}]\n", "minutes"),
        ("[axes]\nspeed = ['none']\n", "nothing is left to choose"),
        ("speed = 1\n", "space.toml"),
        ("[axes\n", "space.toml"),
    ],
)
def test_nonsense_in_a_space_is_told(race_project, space, message):
    status, output = race_project.run(space, "--minutes=0.2")
    assert status == 2
    assert message in output
