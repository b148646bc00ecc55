import contextlib
import io
import math
import re

import msgspec
import pytest
from rich.console import Console

from sample_records import measurement
from simulated_launches import launch
from traingate.records import LayerRecord, Outcome, Pair, Published, Verdict
from traingate.report.progress import ProgressLine
from traingate.report.row import samples_per_second
from traingate.report.table import Row, render
from traingate.report.verdict import explain, interruption_text

EVIDENCE = Verdict(
    outcome=Outcome.REGRESSED,
    failed=True,
    tolerance_percent=5,
    slowdown_percent=20.0,
    slowdown_percent_interval=(15.0, 25.0),
    missable_slowdown_percent=27.0,
    launches=4,
    baseline_launches=3,
    samples_per_second=80.0,
    baseline_samples_per_second=100.0,
    baseline="0001_base.json",
)


def test_a_regression_gives_its_evidence_and_the_remedy():
    assert explain(EVIDENCE).splitlines()[:4] == [
        "REGRESSED: throughput is 20.0 % lower than the baseline's (95 % interval 15.0 to 25.0 %; "
        "the steps take 1.25 times as long, 1.18 to 1.33)",
        "  baseline  100 samples/s in 3 launches, 0001_base.json",
        "  now       80 samples/s in 4 launches",
        "  tolerance 5 %",
    ]
    assert "--benchmark-save=NAME" in explain(EVIDENCE)


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [
        (Outcome.PASSED, "slowdowns of up to 27.0 % could have been missed"),
        (Outcome.IMPROVED, "save a new baseline to keep the gain"),
        (Outcome.INCONCLUSIVE, "allow more launches with --traingate-launches=N"),
    ],
)
def test_each_other_verdict_gives_its_advice(outcome, advice):
    assert advice in explain(msgspec.structs.replace(EVIDENCE, outcome=outcome))


def test_an_improvement_is_reported_as_higher_throughput():
    gain = msgspec.structs.replace(
        EVIDENCE,
        outcome=Outcome.IMPROVED,
        slowdown_percent=-25.0,
        slowdown_percent_interval=(-30.0, -20.0),
    )
    assert (
        "throughput is 25.0 % higher than the baseline's (95 % interval 20.0 to 30.0 %"
        in explain(gain)
    )


def test_a_broken_limit_comes_before_a_verdict_that_would_pass():
    limit = {"failed": True, "reason": "50 samples/s, and the marker asks for at least 60"}
    passed = msgspec.structs.replace(EVIDENCE, outcome=Outcome.PASSED, **limit)
    lines = explain(passed).splitlines()
    assert lines[0] == "FAILED: 50 samples/s, and the marker asks for at least 60"
    assert lines[1].startswith("PASSED: ")
    assert not any("also" in line for line in lines)
    limit_only = Verdict(outcome=Outcome.NO_BASELINE, tolerance_percent=5, **limit)
    assert explain(limit_only) == lines[0]


LIMITS = ("50 samples/s, and the marker asks for at least 60", "first step took 9 s")


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.IMPROVED, Outcome.INCONCLUSIVE])
def test_a_broken_limit_is_told_first_whatever_else_does_not_fail_the_test(outcome):
    verdict = msgspec.structs.replace(EVIDENCE, outcome=outcome, failed=True, broken_limits=LIMITS)
    assert verdict.breaks_a_limit
    lines = explain(verdict).splitlines()
    assert lines[0] == f"FAILED: {'; '.join(LIMITS)}"
    assert lines[1].startswith(f"{outcome.value}: throughput")
    table = render(
        [Row("test_a", measurement([launch([0.1])], verdict=verdict))], None, colour=False
    )
    assert f"{outcome.value} -20.0 %, limit broken" in table


def test_a_regression_that_breaks_a_limit_too_tells_both():
    verdict = msgspec.structs.replace(EVIDENCE, failed=True, broken_limits=LIMITS)
    lines = explain(verdict).splitlines()
    assert lines[0].startswith("REGRESSED: ")
    assert [line for line in lines if "also" in line] == [f"  also      {text}" for text in LIMITS]


@pytest.mark.parametrize("outcome", [Outcome.REGRESSED, Outcome.INCONCLUSIVE])
def test_a_verdict_that_fails_by_its_outcome_alone_breaks_no_limit(outcome):
    verdict = msgspec.structs.replace(EVIDENCE, outcome=outcome, failed=True)
    assert not verdict.breaks_a_limit
    assert explain(verdict).startswith(f"{outcome.value}: ")


def test_a_test_without_a_baseline_tells_its_broken_limits_and_why_nothing_was_compared():
    verdict = Verdict(
        outcome=Outcome.NO_BASELINE, failed=True, tolerance_percent=5, broken_limits=LIMITS
    )
    first = f"FAILED: {'; '.join(LIMITS)}"
    assert explain(verdict) == first
    verdict = msgspec.structs.replace(verdict, reason="nothing is stored")
    assert explain(verdict) == f"{first}\nNO_BASELINE: nothing is stored"


def test_an_interrupted_comparison_reports_its_pairs():
    pairs = [
        Pair(
            candidate_step_seconds=(0.1 * ratio,),
            base_step_seconds=(0.1,),
            steps_per_turn=1,
            log_ratio=math.log(ratio),
        )
        for ratio in (1.09, 1.11)
    ]
    text = interruption_text("test_a", measurement([launch([0.1])]), pairs)
    assert text == (
        "test_a: 320 samples/s; the comparison was broken off after 2 pairs, which measured it as "
        "9.1 % slower than the base: no verdict"
    )


def test_no_baseline_gives_its_reason():
    verdict = Verdict(outcome=Outcome.NO_BASELINE, tolerance_percent=5, reason="nothing is stored")
    assert explain(verdict) == "NO_BASELINE: nothing is stored"


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (None, "800 ± ?"),
        ((798.0, 802.0), "800 ± 2"),
        ((700.2, 899.8), "800 ± 100"),
        ((700.0, 900.0), "800 ± 100"),
        ((652.0, 948.0), "800 ± 148"),
    ],
)
def test_half_an_interval_is_shown_without_an_exponent(interval, text):
    record = msgspec.structs.replace(
        measurement([launch([0.1])]), samples_per_second=800.0, samples_per_second_interval=interval
    )
    assert samples_per_second(record) == text


def test_empty_columns_are_left_out():
    text = render([Row("test_a", measurement([launch([0.1])]))], None, colour=False)
    assert "published" not in text
    assert "verdict" not in text
    text = render(
        [Row("test_a", measurement([launch([0.1])], verdict=EVIDENCE))], None, colour=False
    )
    assert "REGRESSED -20.0 %" in text


def test_a_row_on_another_torch_says_so_and_is_compared_with_the_plain_row_of_its_environment():
    def row(test, environment_name, torch, seconds, stack=()):
        record = measurement(
            [launch([seconds] * 5)],
            environment={"torch": f"{torch}+cpu"},
            environment_name=environment_name,
            torch_today="2.14.1",
            samples_per_second=16 / seconds,
            stack=stack,
        )
        return Row(test, record)

    rows = [
        row("test_plain", "today", "2.14.1", 0.1),
        row("test_plain_old", "ipex", "2.8.0", 0.2),
        row("test_ipex", "ipex", "2.8.0", 0.05, (LayerRecord("ipex_optimize", {}),)),
        row("test_xla", "xla", "2.9.0", 0.2, (LayerRecord("xla_device", {}),)),
    ]
    text = render(rows, None, colour=False)
    assert re.search(r"test_ipex +ipex_optimize +ipex: torch 2\.8\.0 +.* 4\.00 ", text)
    assert re.search(r"test_xla +xla_device +xla: torch 2\.9\.0 +.* 0\.50 ", text)
    assert re.search(r"test_plain +plain +\d", text)  # nothing to say about today's
    note = "not today's torch (2.14.1): test_plain_old, test_ipex, test_xla; x plain compares"
    assert note in text
    assert "environment" not in render(rows[:1], None, colour=False).splitlines()[0]


def test_published_figures_are_shown_next_to_measured_ones_with_machine_and_price():
    figures = (
        Published(9.12, "an article", machine="cpu", usd_per_hour=0.357),
        Published(926.0, "an article", derived=True, machine="gpu", usd_per_hour=1.212),
    )
    rows = [
        Row("test_a", measurement([launch([0.1])], published=figures)),
        Row("test_b", measurement([launch([0.1])])),
    ]
    text = render(rows, None, colour=False)
    table = text[text.index("samples/s here") :]
    assert "cpu, 0.357 $/h" in table
    assert "9.12 (91.97)" in table
    assert "926* (2750*)" in table
    assert "an article" in table
    assert "test_b" not in table


def test_the_progress_line_shows_test_launch_step_and_rate():
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=120)
    with ProgressLine(console, contextlib.nullcontext, "test_net[nchw]") as line:
        line.launching(2, 3)
        line.doing("first step")
        line.stepped(4, 5, 320.0)
    text = output.getvalue()
    assert "test_net[nchw]" in text
    assert "launch 2/3 first step" in text
    assert "launch 2/3 step 4/5 320 samples/s" in text
