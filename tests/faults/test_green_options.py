"""Test that a run which is to compare does not end green by an option or a variable."""

from __future__ import annotations

import json

import pytest
from session_option_ways import OF_ENVIRONMENT, OF_OPTIONS, TOGETHER, WITHOUT_EFFECT
from session_sites import FAST, SMOKE, STORED, TEST, TEST_FILE
from session_ways import cases, prepare

from long_cases import some_long

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
    [TOGETHER, *some_long(WITHOUT_EFFECT, short=["--benchmark-only"])],
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


PIPED = ["sh", "-c", 'echo -q | exec "$@" @/dev/stdin', "sh"]
"""Command that gives pytest a file of arguments which is empty when it is read again."""

LARGE = "".join(f"--ignore={number}{'a' * 1000}\n" for number in range(1200))
"""More than 1 MiB of arguments, as a list of thousands of tests is."""


@pytest.mark.parametrize("options", [(), ("--collect-only",)], ids=["run", "listed"])
@pytest.mark.parametrize("prefix", [[], PIPED], ids=["large", "piped"])
def test_a_file_of_arguments_asks_for_nothing_in_a_project_without_benchmarks(
    project, prefix, options
):
    project.prefix[:] = prefix
    project.write(TEST_FILE, "def test_other(): pass\n")
    project.write("large.txt", LARGE)
    ended = project.run(*options, *(() if prefix else ("@large.txt",)))
    assert ended.status == 0, ended.output


def test_a_file_of_arguments_that_is_read_again_asks_for_what_it_says(project):
    project.write("large.txt", LARGE)
    ended = project.run(*SMOKE, "@large.txt")
    assert ended.status == 0, ended.output


def test_a_file_of_arguments_that_cannot_be_read_again_may_have_asked_for_a_comparison(project):
    project.prefix[:] = PIPED
    ended = project.run(*SMOKE)
    assert "a file of arguments could not be read a second time" in ended.output
    assert ended.status == 1, ended.output
