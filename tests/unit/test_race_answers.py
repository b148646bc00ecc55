"""Answers of races whose launches are given, their records, and how they are shown."""

from __future__ import annotations

import io
import math

import msgspec
import numpy as np
import pytest
from rich.console import Console

from simulated_races import Machine, SimulatedMeasurer, effects_space, simulate
from traingate.errors import DamagedRecordError, NoRunError
from traingate.races.answer import answer
from traingate.races.elimination import error_of_heat
from traingate.races.estimates import ELIMINATION_ERROR, fit, launch_prior, tukey_quantile
from traingate.races.files import (
    RaceFile,
    is_race_file,
    new_file,
    newest_file,
    read_race,
    save_race,
)
from traingate.races.observations import heat_values
from traingate.records.race import Elimination, Heat, RaceLaunch
from traingate.report.html import render_report
from traingate.report.race import print_answer, to_svg
from traingate.report.results import suite_results


def _launch(candidate, *turns, **changes):
    return RaceLaunch(
        candidate=candidate,
        turn_seconds=turns,
        **{"steps_per_turn": 1, "batch_size": 1, **changes},
    )


def _heat(*launches, **changes):
    rounds = max(len(launch.turn_seconds) for launch in launches)
    return Heat(**{"stage": "search", "rounds": rounds, "launches": launches, **changes})


@pytest.fixture(scope="module")
def race():
    space = effects_space({"first": 2, "second": 3})
    measurer = SimulatedMeasurer(
        space,
        lambda point: -0.3 * point[0] + 0.2 * point[1],
        Machine(),
        np.random.default_rng(0),
    )
    return simulate(measurer, 900, 0)[0]


def test_the_drift_of_the_machine_does_not_count():
    steady, slow = _launch(0, 1.0, 1.0), _launch(1, 2.0, 2.0)
    drifting = _heat(_launch(0, 1.0, 3.0), _launch(1, 2.0, 6.0))
    for heat in (_heat(steady, slow), drifting):
        values = heat_values(heat, [1.0, 1.0])
        assert values[1] - values[0] == pytest.approx(math.log(2))


def test_a_launch_that_ended_early_is_compared_over_its_rounds():
    heat = _heat(_launch(0, 1.0, 3.0), _launch(1, 1.0, 3.0), _launch(2, 2.0))
    values = heat_values(heat, [1.0] * 3)
    assert values[2] - values[0] == pytest.approx(math.log(2), abs=0.15)


def test_samples_count_and_not_steps():
    heat = _heat(_launch(0, 1.0), _launch(1, 1.0, batch_size=2), _launch(2, 1.0, steps_per_turn=4))
    values = heat_values(heat, [1.0] * 3)
    assert values[0] - values[1] == pytest.approx(math.log(2))
    assert values[0] - values[2] == pytest.approx(math.log(4))


def test_half_of_the_cores_cost_half():
    values = heat_values(_heat(_launch(0, 1.0), _launch(1, 1.5)), [1.0, 0.5])
    assert values[1] - values[0] == pytest.approx(math.log(0.75))


def test_heats_of_different_speed_are_connected_by_a_shared_candidate(race):
    heats = (
        _heat(_launch(0, 1.0, 1.0), _launch(1, 0.5, 0.5)),
        _heat(_launch(1, 1.0, 1.0), _launch(2, 0.5, 0.5)),
    )
    changed = msgspec.structs.replace(race, heats=heats, eliminations=())
    result = answer(changed)
    assert result.winner.candidate == 2
    assert result.winner.over_plain.value == pytest.approx(4.0)


def test_candidates_that_no_heat_connects_are_not_compared(race):
    heats = (
        _heat(_launch(0, 1.0, 1.0), _launch(1, 0.5, 0.5), _launch(2, 0.4, 0.4)),
        _heat(_launch(0, 1.0, 1.0)),
        _heat(_launch(3, 0.001, 0.001), _launch(4, 0.001, 0.001)),
    )
    changed = msgspec.structs.replace(race, heats=heats, eliminations=())
    result = answer(changed)
    assert {standing.candidate for standing in result.standings} == {0, 1, 2}
    assert result.winner.over_plain.value == pytest.approx(2.5)


def test_the_errors_of_all_heats_add_up():
    total = sum(map(error_of_heat, range(10_000)))
    assert total <= ELIMINATION_ERROR
    assert total == pytest.approx(ELIMINATION_ERROR, rel=0.01)


def test_quantiles_of_two_candidates_are_students():
    from scipy.stats import t

    assert tukey_quantile(0.05, 2, 10) == pytest.approx(t.ppf(0.975, 10), rel=1e-3)


def test_a_fit_without_launches_is_none():
    assert fit([], launch_prior(())) is None


def test_a_candidate_that_failed_later_is_no_winner(race):
    winner = answer(race).winner.candidate
    failure = Elimination(candidate=winner, kind="memory", reason="", heat=0, seconds=0.0)
    changed = msgspec.structs.replace(race, eliminations=(*race.eliminations, failure))
    assert answer(changed).winner.candidate != winner


def test_a_race_without_launches_has_no_winner(race):
    nothing = msgspec.structs.replace(race, heats=(), eliminations=())
    assert answer(nothing).winner is None
    console = Console(file=io.StringIO(), width=100)
    print_answer(console, nothing, answer(nothing))
    assert "Nothing was measured" in console.file.getvalue()


def test_a_record_is_read_as_it_was_saved(race, tmp_path):
    test = "test_speed.py::test_net[a::b c]"
    race = msgspec.structs.replace(race, test=test)
    path = new_file(tmp_path / "races", test)
    assert path.name == "0001_test_net_a_b_c.race.json"
    assert is_race_file(path)
    save_race(path, race)
    assert read_race(path) == race
    assert new_file(path.parent, "test_speed.py::test_net").name.startswith("0002_")
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    (path.parent / "0002_other.race.json").write_text("damaged")
    assert newest_file(path.parent, test) == path
    with pytest.raises(NoRunError):
        newest_file(path.parent, "another test")
    with pytest.raises(NoRunError):
        newest_file(tmp_path / "nowhere")


def test_two_runs_at_once_save_their_races_in_files_of_their_own(race, tmp_path):
    first, second = RaceFile(tmp_path), RaceFile(tmp_path)
    ended = msgspec.structs.replace(race, end="interrupted")
    first.save(race)
    second.save(ended)
    first.save(race)
    assert [path.name[:5] for path in (first.path, second.path)] == ["0001_", "0002_"]
    assert [read_race(path) for path in (first.path, second.path)] == [race, ended]


def test_of_two_runs_that_go_on_with_one_race_the_later_starts_a_new_file(race, tmp_path):
    path = tmp_path / "races" / "0007_test.race.json"
    save_race(path, race)
    first, second = (RaceFile(path.parent, path, goes_on=True) for _ in range(2))
    ended = msgspec.structs.replace(race, end="interrupted")
    for _ in range(2):
        second.save(ended)
        first.save(race)
    assert (second.path, first.path.name[:5]) == (path, "0008_")
    assert (read_race(second.path), read_race(first.path)) == (ended, race)


def test_a_named_file_is_replaced_and_no_other_is_made(race, tmp_path):
    path = tmp_path / "race.json"
    path.write_text("of an earlier run")
    file = RaceFile(tmp_path / "races", path)
    file.save(race)
    file.save(race)
    assert (file.path, read_race(path)) == (path, race)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"schema": 1}', b"[" * 100_000, b"null"],
    ids=["empty", "cut", "binary", "list", "incomplete", "deep", "null"],
)
def test_a_damaged_record_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "0001_x.race.json"
    path.write_bytes(content)
    with pytest.raises(DamagedRecordError, match=r"0001_x\.race\.json"):
        read_race(path)


def test_a_record_of_a_later_version_is_refused(race, tmp_path):
    path = tmp_path / "0001_x.race.json"
    save_race(path, msgspec.structs.replace(race, schema=99))
    with pytest.raises(DamagedRecordError, match="Upgrade"):
        read_race(path)


def test_a_record_that_names_candidates_it_has_not_is_refused(race, tmp_path):
    path = tmp_path / "0001_x.race.json"
    content = msgspec.to_builtins(race)
    content["candidates"] = content["candidates"][:1]
    path.write_bytes(msgspec.json.encode(content))
    with pytest.raises(DamagedRecordError):
        read_race(path)


def test_the_answer_is_shown_as_text_picture_and_page(race):
    result = answer(race)
    console = Console(file=io.StringIO(), width=140)
    print_answer(console, race, result)
    text = console.file.getvalue()
    assert "Fastest: first 1" in text
    assert "at most 5 %" in text
    picture = to_svg(race, result)
    assert picture.startswith("<svg")
    assert "url(http" not in picture
    assert "@font-face" not in picture
    page = render_report(suite_results([]), {}, races=[race])
    assert "first 1" in page
    assert 'data-kind="race"' in page


HOSTILE = "\x1b[31m</script><img src=x onerror=alert(1)>\u202e::error::x"


def test_texts_of_a_strangers_record_are_shown_as_text(race):
    candidates = tuple(
        msgspec.structs.replace(candidate, choices={"first": HOSTILE})
        for candidate in race.candidates
    )
    hostile = msgspec.structs.replace(race, test=HOSTILE, candidates=candidates)
    result = answer(hostile)
    console = Console(file=io.StringIO(), width=300)
    print_answer(console, hostile, result)
    shown = console.file.getvalue()
    assert "<img src=x" in shown
    assert "\x1b" not in shown
    for markup in (to_svg(hostile, result), render_report(suite_results([]), {}, races=[hostile])):
        assert "&lt;img" in markup
        assert "<img" not in markup
