"""Runs of pytest that compare trainings, and what they say in the end."""

from __future__ import annotations

import pytest
from workers import TRAININGS

OPTIONS = ("--traingate-scale=smoke", "--traingate-launches=1", "--traingate-steps=2", "-rA")


COMPARE = (
    *OPTIONS,
    "--benchmark-compare",
    "--benchmark-storage=stored",
    "--traingate-tolerance=40",  # the yardstick may differ by three times as much
)


MEASURE = (
    *OPTIONS[:1],
    "--traingate-steps=2",
    "--traingate-launches=1",
    "--benchmark-storage=stored",
)


SAVING = (*MEASURE, "--benchmark-save=mine")


ONE_MEASURED = """
from trainings import sleeping

def test_sleeping(training_benchmark):
    training_benchmark(sleeping)
"""


FAST, SLOW = (1e-6,) * 4, (1.0,) * 4
"""Stored step times against which 10 ms are a regression, or a gain."""


def run(pytester, text=ONE_MEASURED, *arguments, options=COMPARE):
    """Run pytest on a file of these tests, next to the trainings."""
    pytester.makepyfile(trainings=TRAININGS.read_text(), test_speed=text)
    return pytester.runpytest_subprocess(*options, *arguments)


def saved(pytester):
    """Return the files of the runs that were saved."""
    return sorted(pytester.path.glob("stored/*/*.json"))


def text_of(result):
    """Return all that a run printed."""
    return "\n".join((*result.outlines, *result.errlines))


def line(result):
    """Return the counts of the last line of traingate."""
    (text,) = [line for line in result.outlines if " compared, " in line]
    return {name: int(count) for count, name in (part.split() for part in text[11:].split(", "))}


def assert_red(result, *patterns):
    assert result.ret == pytest.ExitCode.TESTS_FAILED, result.outlines
    output = "\n".join(result.outlines)
    for pattern in patterns:
        assert pattern in output


TWO = """
import pytest
from trainings import sleeping

def test_sleeping(training_benchmark):
    training_benchmark(sleeping)

def test_other():
    pass
"""


SECOND = "\ndef test_second(training_benchmark):\n    "
