"""Test that arguments of a workload reach its worker, also in the tree of another commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workers import name_in

from traingate.controller.job import Side
from traingate.controller.measure import measure
from traingate.errors import BaselineError, ConfigurationError
from traingate.report.progress import NoProgress
from traingate.training_setup import WorkloadName
from traingate.worktree.relocation import Relocation

FAST = ("--traingate-scale=smoke", "--traingate-launches=1", "--traingate-steps=2")
TESTS = """
from functools import partial

import pytest
import trainings

def net(samples, more=None):
    assert more in (None, {"a": [1]})
    return trainings.training(lambda: None, batch_size=samples)

@pytest.mark.parametrize("samples", [8, 16])
def test_keywords(training_benchmark, samples):
    result = training_benchmark(net, samples=samples, more={"a": (1,)})
    assert result.batch_size == samples
    assert result.workload == f'test_training.py::net(more={{"a": [1]}}, samples={samples})'

def test_partial(training_benchmark):
    result = training_benchmark(partial(net, 2))
    assert result.batch_size == 2
    assert result.workload == "test_training.py::net(samples=2)"

def test_lambda(training_benchmark):
    training_benchmark(net, samples=lambda: 2)

def test_unknown(training_benchmark):
    training_benchmark(net, sample=2)

def batched(batch_size=4):
    return trainings.training(lambda: None, batch_size)

@pytest.mark.parametrize("batch_size", [2], indirect=True)
def test_twice(training_benchmark, batch_size):
    training_benchmark(batched, batch_size=4)
"""

TOO_LARGE = """
import pytest
import trainings

def net(ids):
    return trainings.training(lambda: None)

def deep(levels):
    return [deep(levels - 1)] if levels else 1

@pytest.mark.parametrize(
    "ids", [list(range(1_000_002)), deep(90), deep(900), deep(89)], ids=["many", "deep", "deeper", "fits"]
)
def test_sized(training_benchmark, ids):
    training_benchmark(net, ids=ids)

def test_digits(training_benchmark):
    training_benchmark(net, ids=10**5000)

def test_other(training_benchmark):
    training_benchmark(net, ids=list(range(1000)))
"""


def test_an_argument_that_is_too_large_for_the_worker_fails_its_own_test(pytester, stand_in):
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
    pytester.makepyfile(test_training=TOO_LARGE)
    result = pytester.runpytest_subprocess(*FAST, "-p", "no:randomly")
    result.assert_outcomes(passed=2, failed=4)
    result.stdout.fnmatch_lines(
        [
            "the argument ids of net has 1,000,002 values *, and at most 1,000,000 fit into a message to a worker.*",
            "the argument ids of net has values that are nested more than 89 levels deep.*",
            "the argument ids of net has values that are nested more than 89 levels deep.*",
            "the argument ids of net cannot be written as JSON: Exceeds the limit *",
        ]
    )
    result.stdout.no_fnmatch_line("*SIGKILL*")


def test_arguments_reach_the_worker_and_the_record(pytester, stand_in):
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
    pytester.makepyfile(test_training=TESTS)
    result = pytester.runpytest_subprocess(*FAST)
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(
        [
            "the argument samples of net is <function*, which JSON cannot carry to the worker*",
            "net has no parameter 'sample'. It has samples, more.",
            "batch_size is set by the layer batch_size and given to the workload as an argument*",
        ]
    )


def sized_job(project, **arguments):
    name = name_in(project.model, "model")
    return project.job(workload=WorkloadName(name.file, name.module, name.qualname, arguments))


MODEL = """
from trainings import training

def model({parameters}):
    return training(lambda: None, batch_size=samples)
"""


def test_the_base_side_gets_the_arguments_too(project, base_sides):
    project.model.write_text(MODEL.replace("{parameters}", "samples=4"))
    project.commit()
    project.model.write_text(MODEL.replace("{parameters}", "samples=4, other=1"))
    job = sized_job(project, samples=8)
    base = base_sides.job_for(job, "HEAD")
    for side in (job, base):
        assert measure(side, lambda _: True, NoProgress()).measurement.batch_size == 8
    with pytest.raises(
        BaselineError,
        match=r"In HEAD .*, model has no parameter other, so there is nothing to measure",
    ):
        base_sides.job_for(sized_job(project, samples=8, other=2), "HEAD")


def test_what_is_too_large_for_the_worker_is_named_with_its_launch(project):
    """The length of a list of ignored paths is known no earlier."""
    ignored = Relocation(str(project.folder), str(project.folder), ("a.o",) * 1_000_001)
    job = replace(sized_job(project), side=Side("commit 1", ignored))
    expected = (
        r"launch 1 of the base, commit 1, .*: the command Prepare cannot be sent to the worker: it "
        r"has 1,000,\d+ values .* the list of paths that git ignores in the working tree"
    )
    with pytest.raises(ConfigurationError, match=expected):
        measure(job, lambda _: True, NoProgress())


def test_a_worker_refuses_an_argument_without_a_parameter(project):
    job = replace(sized_job(project, depth=3), import_paths=(str(project.folder),))
    with pytest.raises(ConfigurationError, match="model has no parameter 'depth'"):
        measure(job, lambda _: True, NoProgress())
