"""Records of races that no race has written: an error that names the file, and no secret."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from sample_records import HARDWARE, measurement
from simulated_launches import launch
from simulated_races import Machine, SimulatedMeasurer, effects_space
from traingate.cli import main
from traingate.errors import DamagedRecordError
from traingate.races import running
from traingate.races.answer import answer
from traingate.races.files import read_race, save_race
from traingate.races.running import RaceRun
from traingate.records.race import Candidate, Elimination, Heat, Race, RaceLaunch
from traingate.records.race_plausibility import MAX_LAUNCHES
from traingate.untrusted.masking import MASK

HIDDEN = "q7Zx9Lm2Vb4Nc8Kd1Fg5"
HUGE = 1.7e308


def race_of(heats=1, width=2, *, turns=(1.0, 1.1), **changes):
    """Return a race whose heats are wide, and share only plain."""
    numbers = [[0, *range(1 + k * (width - 1), (k + 1) * (width - 1) + 1)] for k in range(heats)]
    count = 1 + heats * (width - 1)
    content = {
        "test": "bench.py::test_a", "created": "2026", "objective": "samples-per-second", "space_size": count, "machine": HARDWARE,
        "axes": {"a": ("y", "x")}, "plain": measurement([launch([0.1] * 3)]),
        "candidates": tuple(
            Candidate(choices={"a": str(number)} if number else {}, layers=(), environment="") for number in range(count)
        ),
        "heats": tuple(
            Heat(stage="search", rounds=2, seconds=1.0, launches=tuple(
                RaceLaunch(candidate=number, turn_seconds=turns, steps_per_turn=1, batch_size=1) for number in row
            )) for row in numbers
        ),
    }  # fmt: skip
    return Race(**{**content, **changes})


def refused(tmp_path, race, match=""):
    """Check that a race is refused with its name, by all that reads it."""
    path = tmp_path / "0001_a.race.json"
    save_race(path, race)
    with pytest.raises(DamagedRecordError, match=rf"0001_a\.race\.json.*{match}"):
        read_race(path)
    for arguments in (["show"], ["report"]):
        result = CliRunner().invoke(main, [*arguments, str(path)])
        assert result.exit_code == 2
        assert isinstance(result.exception, SystemExit)
        assert path.name in result.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"turn_seconds": (HUGE, HUGE)}, {"turn_seconds": (5e-324,)}, {"turn_seconds": (1e-10,)}, {"turn_seconds": (2e9,)},
        {"batch_size": 2**63 - 1}, {"batch_size": 10**12, "steps_per_turn": 10**12, "turn_seconds": (1e-9,)},
        {"steps_per_turn": 2**63 - 1}, {"first_step_seconds": HUGE}, {"setup_seconds": HUGE}, {"peak_bytes": 2**63},
        {"precision_speedup": 1e300}, {"counters": {"losses": 1e308}}, {"busy_turns": 2**63}, {"turn_seconds": (1.0,) * 1001},
    ],
    ids=str,
)  # fmt: skip
def test_a_launch_with_a_number_that_no_launch_has_is_refused(tmp_path, changes):
    race = race_of()
    replace = msgspec.structs.replace
    first, second = race.heats[0].launches
    heat = replace(race.heats[0], launches=(replace(first, **changes), second))
    refused(tmp_path, replace(race, heats=(heat,)))


@pytest.mark.parametrize(
    "changes", [{"seconds": HUGE}, {"started_seconds": HUGE}, {"gemm_seconds": (5e-324,)}, {"gemm_seconds": (1.0,) * 1001},
                {"rounds": 2**62}, {"launches": ()}], ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_a_heat_with_a_number_that_no_heat_has_is_refused(tmp_path, changes):
    race = race_of()
    heat = msgspec.structs.replace(race.heats[0], **changes)
    refused(tmp_path, msgspec.structs.replace(race, heats=(heat,)))


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": 1e308}, {"plain_seconds": HUGE}, {"usd_per_hour": 5e-324}, {"seed": 10**400}, {"settings": {"a": 10**400}},
        {"axes": {str(number): ("a",) for number in range(101)}}, {"space_size": 10**400},
        {"eliminations": (Elimination(candidate=0, kind="slower", reason="", heat=0, seconds=HUGE),)},
        {"eliminations": (Elimination(candidate=0, kind="slower", reason="", heat=0, seconds=1.0, ratio=1e300),)},
        {"eliminations": (Elimination(candidate=0, kind="slower", reason="", heat=2**62, seconds=1.0),)},
        {"candidates": (Candidate(choices={}, layers=(), environment="", cost=5e-324),) * 2},
        {"plain": measurement([launch([5e-324] * 3)])},
    ],
    ids=lambda changes: next(iter(changes)),
)  # fmt: skip
def test_a_race_with_a_number_that_no_race_has_is_refused(tmp_path, changes):
    refused(tmp_path, race_of(**changes))


@pytest.mark.parametrize("turns", [(1e-9, 1e9), (1e-9,), (1e9,)], ids=str)
def test_the_smallest_and_the_largest_numbers_have_an_answer(tmp_path, turns):
    race = race_of(heats=3)
    slow = msgspec.structs.replace(race.heats[0].launches[1], turn_seconds=turns)
    heat = msgspec.structs.replace(race.heats[0], launches=(race.heats[0].launches[0], slow))
    path = tmp_path / "0001_a.race.json"
    save_race(path, msgspec.structs.replace(race, heats=(heat, *race.heats[1:])))
    for form in ("text", "json"):
        result = CliRunner().invoke(main, ["show", str(path), "--format", form])
        assert result.exit_code == 0, result.exception


def test_a_heat_and_a_race_have_a_largest_number_of_launches(tmp_path):
    path = tmp_path / "0001_a.race.json"
    save_race(path, race_of(heats=20, width=100))
    assert sum(len(heat.launches) for heat in read_race(path).heats) == MAX_LAUNCHES
    refused(tmp_path, race_of(heats=21, width=100), "2,080 candidates")
    refused(tmp_path, race_of(heats=1, width=101), "101 launches in a heat")
    many = (Candidate(choices={}, layers=(), environment=""),) * (MAX_LAUNCHES + 1)
    refused(tmp_path, race_of(candidates=many), "2,001 candidates")
    refused(tmp_path, race_of(heats=1001), "2,002 launches")
    empty = (Heat(stage="search", rounds=0, launches=()),) * (MAX_LAUNCHES + 1)
    too_many = msgspec.structs.replace(race_of(), heats=empty)
    refused(tmp_path, too_many, "2,001 heats")


def test_a_race_of_a_later_measurement_is_refused(tmp_path):
    plain = msgspec.structs.replace(race_of().plain, schema=99)
    refused(tmp_path, race_of(plain=plain), "Upgrade")


def test_secrets_of_the_plain_measurement_are_masked(tmp_path):
    environment = {
        "python": "3",
        "variables": {"TORCH_TOKEN": HIDDEN, "OMP_NUM_THREADS": "2"},
        "package_sources": {"a": {"from": f"https://u:{HIDDEN}@h", "digest": "1"}},
    }
    plain = msgspec.structs.replace(race_of().plain, environment=environment)
    failed = Elimination(
        candidate=1, kind="failed", reason=f"--token {HIDDEN}", heat=0, seconds=1.0
    )
    path = tmp_path / "0001_a.race.json"
    save_race(path, race_of(plain=plain, eliminations=(failed,)))
    result = CliRunner().invoke(main, ["show", str(path), "--format", "json"])
    assert HIDDEN not in result.stdout
    variables = json.loads(result.stdout)["plain"]["environment"]["variables"]
    assert variables == {"TORCH_TOKEN": MASK, "OMP_NUM_THREADS": "2"}
    result = CliRunner().invoke(main, ["show", str(path)])
    assert HIDDEN not in result.stdout


def test_an_error_about_a_race_has_no_secret(tmp_path):
    path = tmp_path / "0001_a.race.json"
    path.write_text(json.dumps({"schema": 1, f"https://u:{HIDDEN}@h": 1}))
    result = CliRunner().invoke(main, ["show", str(path)])
    assert result.exit_code == 2
    assert HIDDEN not in result.stderr


LARGEST = """
import resource
from test_hostile_races import race_of
from traingate.races.answer import answer

resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for race in (race_of(heats=20, width=100), race_of(heats=1000)):
    assert len(answer(race).standings) == len(race.candidates)
"""


def test_the_answer_of_the_largest_race_takes_seconds():
    """The kernel ends what takes 20 s; both take three on a slow machine."""
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{LARGEST}"]
    assert subprocess.run(command, check=False).returncode == 0


def test_a_race_goes_on_to_its_final_before_its_record_is_too_large(monkeypatch):
    """So no race writes a record that is refused; 16 stands for 1,800."""
    monkeypatch.setattr(running, "_MOST_SEARCHED", 16)
    space = effects_space({str(number): 2 for number in range(8)})
    measurer = SimulatedMeasurer(space, lambda _: 0.0, Machine(), np.random.default_rng(0))
    race = race_of(heats=0, width=1, candidates=(), axes=space.labels_by_axis)
    race = RaceRun(race, space, measurer, 5000, clock=lambda: measurer.seconds).run()
    searched = sum(len(heat.launches) for heat in race.heats if heat.stage == "search")
    assert 16 <= searched < 16 + 8
    assert answer(race).has_final


def test_a_race_with_a_key_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "0001_a.race.json"
    save_race(path, race_of())
    path.write_text(path.read_text().replace('"seconds":', '"seconds": 9.0, "seconds":', 1))
    with pytest.raises(DamagedRecordError, match=r"0001_a\.race\.json.*key 'seconds' twice"):
        read_race(path)
