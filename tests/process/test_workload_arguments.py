"""Test that arguments of a workload reach its worker, also in the tree of another commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workers import name_in

from traingate.controller.measure import measure
from traingate.errors import BaselineError, ConfigurationError
from traingate.report.progress import NoProgress
from traingate.training_setup import WorkloadName

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


def test_a_worker_refuses_an_argument_without_a_parameter(project):
    job = replace(sized_job(project, depth=3), import_paths=(str(project.folder),))
    with pytest.raises(ConfigurationError, match="model has no parameter 'depth'"):
        measure(job, lambda _: True, NoProgress())
