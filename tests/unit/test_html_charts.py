import msgspec
import pytest

from sample_history import history_of
from sample_report import (
    duet_of,
    explanation,
    layers,
    record_of,
    records,
    verdict_of,
)
from simulated_launches import launch
from traingate.records import Outcome
from traingate.report.html.attribution import attribution_tables
from traingate.report.html.chart import Table, significant, without_empty_columns
from traingate.report.html.duet import change_of_pair, pairs_chart
from traingate.report.html.history import history_part
from traingate.report.html.ladder import ladders
from traingate.report.html.overview import chip, overview
from traingate.report.html.phases import phases_chart
from traingate.report.html.steps import MAX_POINTS, launches_chart, step_curve
from traingate.report.html.surroundings import differences
from traingate.report.html.sweeps import sweeps
from traingate.report.results import measured_result


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(123456.7, 123460), (0.000123456, 0.00012346), (2.0, 2), (float("inf"), None), (None, None)],
)
def test_numbers_are_rounded_to_significant_digits(value, rounded):
    assert significant(value) == rounded
    assert type(significant(value)) is type(rounded)


@pytest.mark.parametrize(
    ("outcome", "changes", "shown"),
    [
        (Outcome.PASSED, {}, ("passed", "fine")),
        (Outcome.REGRESSED, {"failed": True}, ("regressed", "loss")),
        (
            Outcome.PASSED,
            {"failed": True, "broken_limits": ("too slow",)},
            ("limit broken", "loss"),
        ),
        (Outcome.INCONCLUSIVE, {"failed": True}, ("inconclusive, failed", "loss")),
        (Outcome.NO_BASELINE, {}, ("no baseline", "plain")),
    ],
)
def test_the_outcome_is_a_word_and_a_colour(outcome, changes, shown):
    record = record_of(10.0, verdict=verdict_of(outcome, 3.0, **changes))
    result = chip(measured_result("a", record, ""))
    assert (result.text, result.tone) == shown


def test_marks_share_a_scale_on_which_losses_are_left():
    judged = [(Outcome.REGRESSED, 18.0), (Outcome.IMPROVED, -11.0), (Outcome.PASSED, 0.0)]
    tests = [
        measured_result(str(number), record_of(10.0, verdict=verdict_of(outcome, slowdown)), "")
        for number, (outcome, slowdown) in enumerate(judged)
    ]
    loss, gain, same = (line.mark for line in overview(tests))
    assert loss.low < loss.value < loss.high < loss.tolerance < loss.zero == 50.0
    assert gain.value > 50.0 == same.value
    assert loss.tolerance == gain.tolerance


def test_a_ladder_has_a_row_for_each_stack_and_a_panel_for_each_published_machine():
    net, resnet, mlp = ladders(records())
    assert net.chart is None
    assert [panel["title"] for panel in resnet.chart.data["panels"]] == [
        "published, c7i.2xlarge", "published, g5.2xlarge GPU",
    ]  # fmt: skip
    assert resnet.chart.data["panels"][1]["values"] == [340, None, None, None, None, None]
    assert resnet.chart.data["rows"][-1]["label"].endswith("(torch28: torch 2.8.0)")
    assert resnet.table.rows[4][2] == "3.14"
    assert len(mlp.table.rows) == 10
    assert "K/$" not in mlp.table.columns


def test_columns_without_any_value_are_left_out():
    table = Table(("a", "b", "c"), [["x", "", "1"], ["y", "", ""]], left=(0, 1))
    assert without_empty_columns(table) == Table(["a", "c"], [["x", "1"], ["y", ""]], left=(0,))


def test_a_sweep_is_found_where_one_number_alone_differs():
    (sweep,) = sweeps(records())
    assert sweep.title == "mlp: batch_size"
    assert sweep.chart.data["is_logarithmic"]
    curves = {curve["label"]: curve["x"] for curve in sweep.chart.data["curves"]}
    assert curves == {
        "no other layer": [8, 16, 32, 64, 128],
        "torch_compile(inductor)": [8, 16, 32, 64, 128],
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"batch_size": 8}, {"batch_size": 8, "channels_last": None}),
        ({"batch_size": 8, "data_workers": 1}, {"batch_size": 16, "data_workers": 2}),
        ({"torch_compile": "inductor"}, {"torch_compile": "ipex"}),
        ({"flag": True}, {"flag": False}),
        ({"batch_size": 10**400}, {"batch_size": 8}),
    ],
)
def test_other_differences_are_no_sweep(first, second):
    assert (
        sweeps({"a": record_of(5.0, layers(**first)), "b": record_of(6.0, layers(**second))}) == []
    )


def test_a_pair_is_the_throughput_now_relative_to_the_base():
    duet = duet_of((0.2, -0.1))
    assert [change_of_pair(pair) for pair in duet.pairs] == pytest.approx([-18.13, 10.52], abs=0.01)
    chart = pairs_chart(duet, verdict_of(Outcome.INCONCLUSIVE, 6.0, 2.0))
    assert chart.label == (
        "Ratio of each of 2 pairs: between -18.1 and +10.5 %, tolerance 5 %, estimate -6.0 % (-8.0 to -4.0)"
    )
    assert chart.data["estimate"] == -6
    assert chart.data["interval"] == [-8, -4]
    assert chart.data["shows_gains"]


def test_steps_stand_where_they_were_between_the_visits_of_the_yardstick():
    (panel,) = launches_chart([launch([0.1] * 4, rounds=2)]).data["panels"]
    (curve,) = panel["curves"]
    assert curve["visits"] == [[0, 0.016], [0.216, 0.232], [0.432, 0.448]]
    assert curve["x"] == [0.066, 0.166, 0.282, 0.382]
    assert curve["y"] == [100, 100, 100, 100]


def test_very_many_steps_are_drawn_in_groups_that_keep_the_slowest():
    seconds = [0.001] * 2000
    seconds[1234] = 0.5
    curve = step_curve([float(number) for number in range(2000)], seconds, "now")
    assert len(curve.x) == len(curve.slowest) <= MAX_POINTS
    assert max(curve.slowest) == 500
    assert sum(curve.milliseconds) * 7 == pytest.approx(2499, rel=0.01)
    assert step_curve([1.0, 2.0], [0.1, 0.2], "now").slowest == []


def test_phases_are_those_of_the_duet_then_of_the_baseline_then_of_now_alone():
    record, stored = record_of(10.0), record_of(12.0, seed=3)
    with_duet = record_of(10.0, duet=duet_of())
    titles = [
        [bar["title"] for bar in phases_chart(*sides).data["bars"]]
        for sides in ((with_duet, stored), (record, stored), (record, None))
    ]
    assert titles == [["base", "now"], ["baseline", "now"], ["now"]]
    assert phases_chart(record, None).data["names"] == [
        "data", "transfer", "forward", "backward", "optimizer", "other",
    ]  # fmt: skip
    unknown = msgspec.structs.replace(record, launches=(launch([0.1] * 3),))
    assert phases_chart(unknown, None) is None


def test_an_explanation_ends_with_what_is_not_explained():
    tables = dict(attribution_tables(explanation()))
    assert list(tables) == ["Causes", "Phases", "Operators", "Modules"]
    assert tables["Causes"].rows[-1][0] == "unexplained"
    assert "95 % interval" not in tables["Modules"].columns


def test_differences_are_those_of_the_sides_that_were_compared():
    record = record_of(10.0, environment={"torch": "2.15.0"})
    stored = record_of(12.0, environment={"torch": "2.14.0"})
    assert differences(record, stored) == ["torch: 2.14.0 there, 2.15.0 here"]
    assert differences(record, None) == []
    assert differences(record_of(10.0, duet=duet_of()), stored) == [
        "numpy: 2.3.1 there, 2.3.2 here"
    ]


def test_a_history_has_compact_arrays_and_names_its_events():
    (part,) = history_part(history_of(50, 1)).series
    data = part.chart.data
    assert len(data["commit"]) == len(data["y"]) == len(data["low"]) == len(data["outcome"]) == 50
    assert data["failed"] == [15]
    assert data["accepted"] == [[40, "the new augmentation is worth it"]]
    assert [(change["kind"], change["before"], change["after"]) for change in data["changes"]] == [
        ("jump", 14, 15), ("creep", 30, 40),
    ]  # fmt: skip
    assert part.since_anchor.startswith("Since tag v1.0 (")
    assert part.since_anchor.endswith("a loss of more than the tolerance of 5 %")
    assert [row[1] for row in part.events.rows] == [
        "creep",
        "accepted",
        "environment",
        "jump",
        "failed its gate",
    ]


def test_a_launch_without_visits_has_none_drawn():
    silent = msgspec.structs.replace(
        launch([0.1] * 4), gemm_seconds=(), triad_seconds=(), yardstick_seconds=()
    )
    (panel,) = launches_chart([silent]).data["panels"]
    assert panel["curves"][0]["visits"] == []
