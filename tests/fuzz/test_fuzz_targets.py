"""A few inputs of each target of the fuzzer, and all that have failed once; see ``run.py``."""

from __future__ import annotations

import pytest
from cases import CASES
from hypothesis import HealthCheck, Phase, given, settings
from targets import TARGETS

EXAMPLES = {"records": 40, "profiles": 40, "index": 40, "races": 40}
"""Number of inputs of the slow targets; the others have 150."""


@pytest.fixture(autouse=True, scope="module")
def _folder(tmp_path_factory):
    """Let targets write below pytest's folder."""
    import tempfile

    previous, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("fuzz"))
    yield
    tempfile.tempdir = previous


# A failing record is large; hypothesis warns of showing it.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_of_a_short_run_fails(name):
    target = TARGETS[name]
    run = settings(
        max_examples=EXAMPLES.get(name, 150),
        derandomize=True,  # the same in each run; ``run.py`` tries others
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )(given(target.inputs)(target.check))
    run()


@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, cases in CASES.items() for number in range(len(cases))],
)
def test_an_input_that_has_failed_once_does_not_fail_again(name, number):
    case = CASES[name][number]
    TARGETS[name].check(case() if callable(case) else case)


def test_each_target_has_cases_of_its_own_name():
    assert {*CASES} == {*TARGETS}
    assert all(CASES.values())
