"""Test that a project measures in environments that have neither pytest nor traingate."""

from __future__ import annotations

import json

import pytest
from repositories import FAST

from traingate.environments.registry import Environments

IN_BOTH = """
from models import mlp
import pytest

@pytest.mark.parametrize("environment", ["old", "new"], indirect=True)
def test_mlp(training_benchmark, environment):
    training_benchmark(mlp)
"""

IN_ONE = """
from models import mlp
import pytest

@pytest.mark.parametrize("environment", ["new"], indirect=True)
def test_mlp(training_benchmark, environment):
    training_benchmark(mlp)
"""


@pytest.fixture(scope="module")
def options():
    """Options that name two environments with other versions of torch."""
    paths = {}
    for name, created_name in (("old", "ipex"), ("new", "xla")):
        environment = Environments().find(created_name)
        if environment is None:
            pytest.skip(f"traingate environment create {created_name}")
        paths[name] = environment.interpreter.prefix
    return [f"--traingate-environment={name}={path}" for name, path in paths.items()]


def records(pytester, name):
    benchmarks = json.loads((pytester.path / name).read_text())["benchmarks"]
    return {each["name"]: each["extra_info"]["traingate"] for each in benchmarks}


@pytest.mark.long
def test_environments_are_an_axis(project, options):
    pytester = project(IN_BOTH)
    result = pytester.runpytest_subprocess(*options, *FAST, "--benchmark-json=record.json")
    result.assert_outcomes(passed=2)
    found = records(pytester, "record.json")
    for name, torch in (("old", "2.8."), ("new", "2.9.")):
        record = found[f"test_mlp[{name}]"]
        assert record["environment_name"] == name
        assert record["environment"]["torch"].startswith(torch)
        assert record["environment"]["packages"]["torch"].startswith(torch)
    result.stdout.fnmatch_lines(["*test_mlp?new?*new: torch 2.9.*", "*not today's torch*"])


@pytest.mark.long
def test_an_environment_is_the_base_of_a_duet(project, options):
    pytester = project(IN_ONE)
    result = pytester.runpytest_subprocess(
        *options,
        "--traingate-against-environment=old",
        *FAST,
        "--traingate-tolerance=45",
        "--benchmark-json=record.json",
    )
    (record,) = records(pytester, "record.json").values()
    assert record["duet"]["candidate_environment"]["torch"].startswith("2.9.")
    assert record["duet"]["base_environment"]["torch"].startswith("2.8.")
    assert record["duet"]["base"] == "the environment old"
    assert any("torch: 2.8." in line for line in record["verdict"]["evidence"])
    result.stdout.fnmatch_lines(["*1 compared*"])


def test_a_test_that_runs_in_the_bases_environment_is_skipped(project, options):
    project(IN_ONE)
    result = project(IN_ONE).runpytest_subprocess(
        *options, "--traingate-against-environment=new", *FAST, "-rs"
    )
    result.stdout.fnmatch_lines(["*both sides would run the same code in the environment new*"])


def test_an_unknown_environment_fails_the_test_with_the_remedy(project):
    result = project(IN_ONE).runpytest_subprocess(*FAST)
    result.stdout.fnmatch_lines(["*there is no environment 'new', only *today*"])
    result.assert_outcomes(failed=1)
