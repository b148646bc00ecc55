"""Test that each fault of a worker fails its own test clearly, and leaves nothing."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fault_runs import place, run_faults
from fault_table import DATA, GROUPS, MOMENT, OPTIONS, WITHOUT_LAST_OUTPUT, source_of

MAX_PEAK_BYTES = 140 << 20
"""Memory of pytest's own process that no output of a worker may exceed: without any it is 90 MB, and
100 MB of output at once would be more."""

MAX_SECONDS = 40.0
"""Time of a test in which a worker hangs: the time-out of 4 s or half a message for 10 s, 15 s to end
the worker, and what a busy machine takes to start processes."""


def run_group(group):
    with place() as project:
        options, is_duet = OPTIONS.get(group, ()), group == "duets"
        return run_faults(project, source_of(GROUPS[group]), *options, commits=is_duet)


@pytest.fixture(scope="module")
def run_of(request):
    """Return a function that returns the run of a group; each happens once, and two side by side."""
    parameters = [getattr(item, "callspec", None) for item in request.session.items]
    selected = {each.params["group"] for each in parameters if each and "group" in each.params}
    with ThreadPoolExecutor(2) as pool:
        runs = {group: pool.submit(run_group, group) for group in GROUPS if group in selected}
        yield lambda group: runs[group].result()


@pytest.mark.parametrize(
    ("group", "fault"),
    [(group, fault) for group, faults in GROUPS.items() for fault in faults],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_fault_is_reported_once_and_leaves_nothing(run_of, group, fault):
    run = run_of(group)
    test = run.tests[f"test_{fault.name}"]
    assert test["outcome"] == ("failed" if fault.says else "passed"), test["text"]
    for expected in fault.says:
        assert re.search(expected, test["text"]), test["text"]
    assert (test["processes"], test["folders"]) == ([], [])
    assert test["seconds"] < MAX_SECONDS
    assert len(test["text"]) < 100_000
    shown = f"{test['text']}\n{test['printed']}"
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", shown)
    assert not re.search(r"^\s*::|##\[", shown, re.MULTILINE), shown  # commands of GitHub
    results = [
        each for each in run.results["tests"] if each["test"].endswith(f"::test_{fault.name}")
    ]
    assert [each["failed"] for each in results] == [bool(fault.says)]
    if fault.says:
        assert re.search(r"launch \d", results[0]["error"])
        assert test["text"].startswith(results[0]["error"])


@pytest.mark.parametrize("group", GROUPS)
def test_each_failure_names_launch_and_moment_and_ends_with_the_last_output(run_of, group):
    run = run_of(group)
    for fault in GROUPS[group]:
        if not fault.says:
            continue
        text = run.tests[f"test_{fault.name}"]["text"]
        assert re.search(r"launch \d", text.partition("\n")[0]), text
        assert re.search(MOMENT, text), text
        if fault.name in WITHOUT_LAST_OUTPUT:
            assert text.endswith("It printed nothing."), text
            continue
        start, _, end = text.rpartition("\nLast output:\n")
        assert start, text
        output = re.match(r"(    .*(\n|$))+", end)[0]
        assert re.search(fault.words, output), text
        rest = end.removeprefix(output)
        assert not rest or rest.startswith("Where process"), text  # the stacks of one that hangs


@pytest.mark.parametrize("group", GROUPS)
def test_the_other_tests_of_the_run_are_measured(run_of, group):
    run = run_of(group)
    expected = {f"test_{fault.name}": bool(fault.says) for fault in GROUPS[group]}
    failed = {name: test["outcome"] == "failed" for name, test in run.tests.items()}
    assert failed == {**expected, "test_sound": False}
    assert run.status == int(any(expected.values()))
    assert run.peak_bytes < MAX_PEAK_BYTES
    assert run.records.keys() == {name for name, has_failed in failed.items() if not has_failed}


@pytest.mark.parametrize("group", ["numbers"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("losing_numbers", "nan"), ("losing_bounds", "inf"), ("losing_plain_numbers", "nan")],
)
def test_a_loss_that_is_no_number_is_marked_wherever_it_is_shown(run_of, group, name, value):
    run = run_of(group)
    record = run.records[f"test_{name}"]
    counter = "nonfinite_losses_in_measured_steps"
    sentence = f"the loss was NaN or infinite in 3 measured steps of a launch (the loss was {value}"
    assert record["counters"][counter] == 3
    assert record["reasons"][counter] == [f"the loss was {value} in measured step 2"]
    (result,) = [each for each in run.results["tests"] if each["test"].endswith(name)]
    assert sentence in result["cautions"][0]
    assert "was NaN or infinite in 3 measured steps" in run.markdown
    assert re.search(rf"CautionWarning: test_faults.py::test_{name}: the loss was NaN", run.output)
    assert re.search(rf"^test_{name} .* not finite", run.output, re.MULTILINE)
    assert counter not in run.records["test_sound"]["counters"]


@pytest.mark.parametrize("group", ["resources"])
def test_a_measurement_is_complete_without_a_profile_that_was_not_asked_for(run_of, group):
    records = run_of(group).records
    assert records["test_killed_in_unasked_profile"].get("profile") is None
    assert records["test_sound"]["profile"]


def test_a_verdict_says_that_its_loss_is_no_number():
    with place() as here:
        run_faults(here, source_of(DATA[:1]), "--benchmark-autosave", "-k", "losing_numbers")
        run = run_faults(
            here, source_of(DATA[:1]), "--benchmark-compare", "--traingate-launches=4",
            "--traingate-tolerance=45", "-k", "losing_numbers",
        )  # fmt: skip
    (result,) = run.results["tests"]
    evidence = "\n".join(result["verdict"]["evidence"])
    assert "the loss was NaN or infinite in 3 measured steps" in evidence
    assert "the loss of the baseline was NaN or infinite in 3 measured steps" in evidence
