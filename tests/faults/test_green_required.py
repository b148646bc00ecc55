"""Test that a run which requires a layer does not end green if a test of it took no step."""

from __future__ import annotations

import pytest
from session_conftest_ways import CHANGING, CHANGING_BEFORE
from session_sites import SMOKE, TESTS, site
from session_ways import CHANGED_STATUS, ENDED_EARLY, HIDDEN_FAILURE, by_conftest, by_tests

REQUIRED = (*SMOKE, "--traingate-require=flush_denormal")
NO_STEP = "which request it, took no step:"

LAYERED = "def test_model(training_benchmark, flush_denormal): training_benchmark(model)"
PLAIN = "def test_model(training_benchmark): training_benchmark(model)"
SKIPPED = f"@pytest.mark.skip\n{LAYERED}"

KINDS = """
@pytest.mark.skip
def test_skipped(training_benchmark, flush_denormal): training_benchmark(model)

@pytest.mark.skipif(True, reason='no')
def test_skipped_if(training_benchmark, flush_denormal): training_benchmark(model)

def test_skipping(training_benchmark, flush_denormal): pytest.skip('no')

@pytest.mark.xfail(run=False)
def test_not_run(training_benchmark, flush_denormal): training_benchmark(model)

@pytest.mark.xfail
def test_expected_to_fail(training_benchmark, flush_denormal): assert False

def test_never_called(training_benchmark, flush_denormal): pass

@pytest.mark.parametrize('number', [])
def test_no_parameters(training_benchmark, flush_denormal, number): training_benchmark(model)
"""


def _changing(setting):
    """Return a conftest file that takes an option away."""
    return f"def pytest_configure(config): config.option.traingate_{setting} = None"


NAMES = [line.split("(")[0][4:] for line in KINDS.splitlines() if line.startswith("def ")]

WAYS = {
    "benchmark-skip": (("--benchmark-skip",), by_tests(LAYERED, NO_STEP)),
    "collect-only": (("--collect-only",), by_tests(LAYERED, ENDED_EARLY)),
    "help": (("--help",), by_tests(LAYERED, ENDED_EARLY)),
    "no selection": (
        ("-p", "no:traingate-selection"),
        by_tests(SKIPPED, "turns off a part of traingate", status=4),
    ),
    "no check": (
        ("-p", "no:traingate-required-names"),
        by_tests(SKIPPED, "turns off a part of traingate", status=4),
    ),
    "a part unregistered": (
        (),
        by_conftest(
            "def pytest_collection_finish(session):\n"
            "    session.config.pluginmanager.unregister(name='traingate-required-names')",
            "has unregistered traingate-required-names",
            SKIPPED,
        ),
    ),
    "a loop of its own": (
        (),
        by_conftest("def pytest_runtestloop(): return True", NO_STEP, LAYERED),
    ),
    "a loop that stops": (
        (),
        by_conftest(
            "def pytest_runtestloop(session):\n    session.shouldstop = 'no'\n    return True",
            NO_STEP,
            LAYERED,
        ),
    ),
    "exit of an earlier test": (
        (),
        by_tests(f"def test_first(): pytest.exit('no', returncode=0)\n{LAYERED}", NO_STEP),
    ),
    "exit after a crash": (
        (),
        by_tests(
            "def test_model(training_benchmark, flush_denormal): assert False\n"
            "def test_last(): pytest.exit('no', returncode=0)",
            HIDDEN_FAILURE,
        ),
    ),
    "option changed": (
        (),
        by_conftest(_changing("require"), "a layer was asked for, and a conftest", SKIPPED),
    ),
    "one of two names taken away": (
        ("--traingate-require=flush_denormal,channels_last",),
        by_conftest(
            "def pytest_configure(config):\n"
            "    config.option.traingate_require = frozenset({'channels_last'})",
            "a layer was asked for, and a conftest",
            SKIPPED,
        ),
    ),
    "option changed, without a benchmark": (
        (),
        by_conftest(
            _changing("require"), "a layer was asked for, and a conftest", "def test_other(): pass"
        ),
    ),
    "comparison changed": (
        ("--traingate-against=HEAD",),
        by_conftest(_changing("against"), "a comparison was asked for, and a conftest", PLAIN),
    ),
    "exit status, with another failure": (
        (),
        by_conftest(CHANGING["exit status"], NO_STEP, f"def test_other(): assert False\n{SKIPPED}"),
    ),
    "exit status, after Ctrl-C": (
        (),
        by_conftest(
            CHANGING["exit status"],
            CHANGED_STATUS,
            f"def test_first(): raise KeyboardInterrupt\n{LAYERED}",
        ),
    ),
    "exit status, after a module that cannot be imported": (
        (),
        by_conftest(CHANGING_BEFORE, HIDDEN_FAILURE, "raise ValueError"),
    ),
}


@pytest.fixture
def project():
    with site() as made:
        yield made
        assert made.leftovers() == []


@pytest.mark.parametrize("name", WAYS)
def test_no_way_is_green(project, name):
    arguments, way = WAYS[name]
    for file, text in way.files.items():
        project.write(file, text)
    ended = project.run(*REQUIRED, *arguments)
    assert way.says in ended.output, ended.output
    assert ended.status == way.status, ended.output


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=" ".join)
def test_each_test_that_takes_no_step_is_named(project, options):
    for file, text in by_tests(KINDS, NO_STEP).files.items():
        project.write(file, text)
    ended = project.run(*REQUIRED, *options)
    assert ended.status == 1, ended.output
    listed = ended.output.partition(NO_STEP)[2]
    assert [name for name in NAMES if f"test_speed.py::{name}" not in listed] == []


def test_a_required_layer_that_no_selected_test_requests_is_no_failure(project):
    project.write("test_speed.py", f"{TESTS}\n{LAYERED.replace('test_model', 'test_layered')}")
    ended = project.run(*REQUIRED, "-k", "not layered")
    assert ended.status == 0, ended.output


def test_tests_that_take_their_step_under_xdist_are_no_failure(project):
    project.write(
        "test_speed.py",
        """
import pytest
from models import model

@pytest.mark.parametrize("batch_size", [None])
def test_model(training_benchmark, batch_size): training_benchmark(model)
""",
    )
    ended = project.run(*SMOKE, "--traingate-require=batch_size", "-n1")
    assert ended.status == 0, ended.output
