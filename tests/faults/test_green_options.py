"""Test that a run which is to compare does not end green by an option or a variable."""

from __future__ import annotations

import json

import pytest
from session_option_ways import OF_ENVIRONMENT, OF_OPTIONS, TOGETHER, WITHOUT_EFFECT
from session_sites import FAST, STORED, TEST
from session_ways import cases, prepare

WAYS = {**OF_OPTIONS, **OF_ENVIRONMENT}


@pytest.mark.parametrize(("name", "asker"), cases(WAYS))
def test_no_way_is_green(project, name, asker):
    prepare(project, asker)
    ended = WAYS[name].run(project, asker)
    assert WAYS[name].says in ended.output, ended.output
    assert ended.status == WAYS[name].status, ended.output
    assert project.leftovers() == []


@pytest.mark.parametrize(
    "options",
    [TOGETHER, *(pytest.param(text, marks=pytest.mark.long) for text in WITHOUT_EFFECT)],
)
def test_a_regression_is_one_however_tests_are_run_and_shown(project, options):
    project.store(FAST)
    project.variables["PYTHONOPTIMIZE"] = "2"  # leaves out assertions
    if "--benchmark-only" not in options:  # pytest-benchmark refuses both together
        project.variables["PYTEST_XDIST_WORKER"] = "gw0"
    file = project.folder / "results.json"
    ended = project.run(*STORED, f"--traingate-json={file}", *options.split())
    assert ended.status != 0, ended.output
    assert file.exists(), ended.output
    results = json.loads(file.read_text())["tests"]
    outcomes = {(result["test"], result["verdict"]["outcome"]) for result in results}
    assert outcomes == {(TEST, "REGRESSED")}
    assert project.leftovers() == []
