import msgspec
import pytest

from sample_records import measurement
from sample_report import duet_of
from simulated_launches import launch
from traingate.records import Counts
from traingate.report.cautions import cautions
from traingate.report.html import render_report
from traingate.report.markdown import to_markdown
from traingate.report.results import measured_result, suite_results
from traingate.report.row import Row
from traingate.report.table import render

COUNTER = "nonfinite_losses_in_measured_steps"
MARK = {"counters": {COUNTER: 2}, "reasons": {COUNTER: ("the loss was nan in measured step 3",)}}
SOUND = measurement([launch([0.1] * 4)])
MARKED = msgspec.structs.replace(SOUND, **MARK)


def test_a_measurement_with_finite_losses_has_no_caution():
    assert cautions(SOUND, SOUND) == ()
    assert "loss" not in render([Row("test_a", SOUND)], None, colour=False).splitlines()[0]


def test_the_first_loss_that_is_no_number_is_named():
    (sentence,) = cautions(MARKED)
    expected = "the loss was NaN or infinite in 2 measured steps of a launch (the loss was nan in measured step 3)"
    assert sentence.startswith(expected)


@pytest.mark.parametrize("side", ["candidate", "base"])
def test_a_side_of_a_duet_is_named(side):
    duet = msgspec.structs.replace(duet_of(), **{f"{side}_counts": Counts(**MARK)})
    (sentence,) = cautions(msgspec.structs.replace(SOUND, duet=duet))
    assert ("the loss of the base was NaN" in sentence) is (side == "base")


def test_a_baseline_that_computed_nothing_is_named():
    (sentence,) = cautions(SOUND, MARKED)
    assert sentence.startswith("the loss of the baseline was NaN or infinite in 2 measured steps")


def test_the_table_and_the_summary_mark_the_test():
    table = render([Row("test_a", MARKED), Row("test_b", SOUND)], None, colour=False)
    lines = table.splitlines()
    assert [line.endswith("not finite") for line in lines[1:3]] == [True, False]
    assert "test_a: the loss was NaN or infinite in 2 measured steps" in table
    results = suite_results([measured_result("test_speed.py::test_a", MARKED, "")])
    assert "**test&#95;speed.py::test&#95;a:** the loss was NaN" in to_markdown(results).replace(
        "&#58;", ":"
    )
    assert "NaN" not in to_markdown(suite_results([measured_result("a", SOUND, "")]))
    page = render_report(results, {"test_speed.py::test_a": MARKED}, None)
    assert page.count("<strong>Caution:</strong> the loss was NaN or infinite in 2 measured") == 2
