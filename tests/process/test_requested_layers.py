"""Test that a test gets the layers that it names, or is refused with the remedy."""

from __future__ import annotations

import json

import pytest

FAST = ("--traingate-scale=smoke", "--traingate-launches=1", "--traingate-steps=2")
PROLOGUE = """
from dataclasses import replace

import pytest
import trainings

def net():
    return replace(trainings.training(lambda: None), dataset=range(128))

"""


@pytest.fixture
def run(pytester, stand_in):
    """Return a function that runs tests which train without torch."""

    def run_tests(tests: str, *arguments: str) -> pytest.RunResult:
        pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
        pytester.makepyfile(test_training=PROLOGUE + tests)
        return pytester.runpytest_subprocess(*FAST, *arguments)

    return run_tests


def batch_sizes(pytester) -> dict[str, int]:
    """Return the batch size of each test of the newest saved run."""
    (run,) = pytester.path.glob(".benchmarks/*/*.json")
    return {
        item["name"]: item["extra_info"]["traingate"]["batch_size"]
        for item in json.loads(run.read_text())["benchmarks"]
    }


def assert_refused(result: pytest.RunResult, text: str) -> None:
    """Check that pytest measured nothing and says *text* in an error."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any(line.startswith("ERROR: ") and text in line for line in result.errlines), (
        result.errlines
    )


def test_a_layer_parametrised_without_indirect_is_measured_with_each_value(run, pytester):
    result = run(
        """
@pytest.mark.parametrize("batch_size", [16, None, 32])
def test_sizes(training_benchmark, batch_size):
    assert training_benchmark(net).batch_size == (batch_size or 4)

@pytest.mark.parametrize(("batch_size", "other"), [(8, "a")])
def test_with_others(training_benchmark, batch_size, other):
    training_benchmark(net)

def pytest_generate_tests(metafunc):
    if metafunc.function.__name__ == "test_generated":
        metafunc.parametrize("batch_size", [2])

def test_generated(training_benchmark, batch_size):
    training_benchmark(net)
""",
        "--benchmark-save=sizes",
    )
    result.assert_outcomes(passed=5)
    assert batch_sizes(pytester) == {
        "test_sizes[16]": 16,
        "test_sizes[None]": 4,
        "test_sizes[32]": 32,
        "test_with_others[8-a]": 8,
        "test_generated[2]": 2,
    }


def test_a_value_without_indirect_is_checked_like_any_other(run):
    result = run("""
@pytest.mark.parametrize("batch_size", [0])
def test_sizes(training_benchmark, batch_size):
    training_benchmark(net)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["batch_size takes a whole number of at least 1, not 0.*"])


@pytest.mark.parametrize("place", ["test_training", "conftest"])
def test_a_fixture_of_the_project_that_replaces_a_layer_is_refused_at_collection(
    run, pytester, place
):
    fixture = """
import pytest

@pytest.fixture
def batch_size():
    return 64
"""
    tests = "def test_size(training_benchmark, batch_size):\n    training_benchmark(net)\n"
    if place == "conftest":
        pytester.makeconftest(fixture)
        result = run(tests)
    else:
        result = run(fixture + tests)
    assert_refused(result, f"the project's fixture batch_size ({place}.py:")
    assert_refused(result, "rename the fixture, or let it request batch_size and return it")


@pytest.mark.parametrize(
    ("value", "place"),
    [
        pytest.param("Size()", " (test_training.py:13) ", marks=pytest.mark.long),
        ("partial(size, 64)", " (test_training.py:16) "),
        pytest.param("partial(Size())", " (test_training.py:13) ", marks=pytest.mark.long),
        pytest.param("partial(abs, -64)", " ", marks=pytest.mark.long),
    ],
)
def test_a_replacing_fixture_that_is_no_plain_function_is_refused_at_collection(run, value, place):
    result = run(f"""
from functools import partial

class Size:
    def __call__(self):
        return 64

def size(samples):
    return samples

subject = {value}
subject.__name__ = "size"  # which pytest needs
batch_size = pytest.fixture(name="batch_size")(subject)

def test_size(training_benchmark, batch_size):
    training_benchmark(net)
""")
    assert_refused(result, f"the project's fixture batch_size{place}replaces the layer")


def test_a_replacing_fixture_that_only_running_shows_is_refused(run):
    result = run("""
@pytest.fixture
def channels_last(request):
    return True

def test_layout(training_benchmark, channels_last):
    training_benchmark(net)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the project's fixture channels_last replaces the layer*"])


def test_a_fixture_that_extends_a_layer_keeps_it(run):
    run("""
@pytest.fixture
def batch_size(batch_size):
    return batch_size

@pytest.mark.parametrize("batch_size", [8], indirect=True)
def test_size(training_benchmark, batch_size):
    assert training_benchmark(net).batch_size == batch_size.samples
""").assert_outcomes(passed=1)


def test_a_fixture_of_that_name_does_not_matter_without_a_training(run):
    run("""
@pytest.fixture
def batch_size():
    return 64

def test_size(batch_size):
    assert batch_size == 64
""").assert_outcomes(passed=1)


def test_a_layer_with_a_default_value_is_refused_at_collection(run):
    result = run("""
def test_layout(training_benchmark, channels_last=True):
    training_benchmark(net)
""")
    assert_refused(result, "the argument channels_last has a default")


@pytest.mark.parametrize(
    "arguments", ["result, batch_size", "batch_size, result"], ids=["before", "after"]
)
def test_a_fixture_that_measures_gets_the_layers_that_are_set_up_after_it(run, arguments):
    run(f"""
@pytest.fixture
def result(training_benchmark):
    return training_benchmark(net)

@pytest.mark.parametrize("batch_size", [8], indirect=True)
def test_size({arguments}):
    assert result.batch_size == 8
    assert [layer.name for layer in result.stack] == ["batch_size"]
""").assert_outcomes(passed=1)


def test_a_layer_that_is_set_up_after_the_measurement_is_refused(run):
    result = run("""
def test_late(training_benchmark, request):
    training_benchmark(net)
    request.getfixturevalue("channels_last")
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["channels_last was set up after training_benchmark had measured*"])
