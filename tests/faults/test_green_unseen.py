"""Test ways to end green that no plugin of pytest can see: a check of the results finds them."""

from __future__ import annotations

import os

import pytest
from session_sites import DUET, SLOW, TESTS, TRAINGATE, site

LEAVE = "import os\nos._exit(0)\n"

UNSEEN = {
    "os._exit in a test": {
        "test_speed.py": "import os\n\ndef test_model(training_benchmark): os._exit(0)\n"
    },
    "os._exit in a conftest file": {"conftest.py": LEAVE},
    "os._exit while importing": {"test_speed.py": LEAVE},
    "exit status set by the outermost hook": {
        "conftest.py": """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main():
    yield
    return 0
""",
        "test_speed.py": "def test_model(training_benchmark): assert False\n",
    },
    "os._exit at the end": {
        "conftest.py": "import os\ndef pytest_sessionfinish(): os._exit(0)\n",
        "test_speed.py": "def test_model(training_benchmark): assert False\n",
    },
}


@pytest.fixture
def project():
    with site() as made:
        made.store(SLOW)
        made.commit()
        yield made
        assert made.leftovers() == []


@pytest.mark.parametrize("way", UNSEEN)
def test_the_gate_of_a_pull_request_believes_no_exit_status_without_results(project, way):
    for name, text in UNSEEN[way].items():
        project.write(name, text)
    results = project.write("traingate-results/results.json", "{}")  # of an earlier run
    assert project.run(*DUET, "--traingate-json=other.json").status == 0
    has_results = "test_model(training_benchmark): assert False" in str(UNSEEN[way])
    expected = 1 if has_results else 2
    gate = project.run("ci", "gate", "--base=HEAD", *DUET[:-2], python=TRAINGATE)
    assert gate.status == expected, gate.output
    assert ("has no results of traingate" in gate.output) != has_results
    assert results.exists() == has_results
    check = project.run("ci", "check", "other.json", python=TRAINGATE)
    assert check.status == expected, check.output


LEAVING = {"leaving.py": "raise SystemExit(0)"}

BEFORE_THE_PLUGIN = {
    "exit of a plugin that is imported": (("-p", "leaving"), LEAVING),
    "exit of a plugin in PYTEST_PLUGINS": ((), LEAVING),
    "exit of a plugin of a package": (
        (),
        {
            **LEAVING,
            "leaving-1.dist-info/METADATA": "Name: leaving\nVersion: 1\n",
            "leaving-1.dist-info/entry_points.txt": "[pytest11]\nleaving = leaving\n",
        },
    ),
    "os._exit in sitecustomize": ((), {"sitecustomize.py": LEAVE}),
    "another program": ((), {"conftest.py": "import os\nos.execv('/bin/true', ['true'])"}),
    "os._exit in an exit handler": (
        (),
        {
            "conftest.py": "import atexit, os\natexit.register(os._exit, 0)",
            "test_speed.py": "def test_model(training_benchmark): assert False\n",
        },
    ),
    "traingate unregistered": (
        ("-p", "hiding", "-k", "other"),
        {
            "hiding.py": """
def pytest_load_initial_conftests(early_config):
    early_config.pluginmanager.unregister(name="traingate")
""",
        },
    ),
}
"""Ways of which the plugin sees nothing, or that come after it: arguments, and files."""


@pytest.mark.parametrize("way", BEFORE_THE_PLUGIN)
def test_a_program_that_ends_before_the_plugin_is_there_is_found_by_its_results(project, way):
    arguments, files = BEFORE_THE_PLUGIN[way]
    project.write("test_other.py", "def test_other(): pass\n")
    for name, text in files.items():
        project.write(name, text)
    if way == "exit of a plugin in PYTEST_PLUGINS":
        project.variables["PYTEST_PLUGINS"] = "leaving"
    if "sitecustomize.py" in files:  # Python imports it before it knows the working directory
        paths = (str(project.folder), project.environment["PYTHONPATH"])
        project.variables["PYTHONPATH"] = os.pathsep.join(paths)
    options = (*DUET, "--traingate-json=results.json") if way != "traingate unregistered" else ()
    ended = project.run(*options, *arguments)
    assert ended.status == 0, ended.output
    project.variables.clear()
    check = project.run("ci", "check", "results.json", python=TRAINGATE)
    assert check.status == (1 if "atexit" in str(files) else 2), check.output


def test_without_the_plugin_a_test_that_requests_a_benchmark_fails(project):
    ended = project.run("-p", "no:traingate")
    assert ended.status == 1, ended.output
    assert "fixture 'training_benchmark' not found" in ended.output


ASKING = """[pytest]
traingate_against = HEAD
traingate_json = results.json
traingate_scale = smoke
traingate_steps = 2
traingate_launches = 2
traingate_tolerance = 40
addopts = -p no:randomly
"""
"""Configuration that asks for a comparison."""

ASKING_BY_OPTION = (
    f"{ASKING.replace('traingate_against = HEAD', '').rstrip()} --traingate-against=HEAD\n"
)
"""Configuration that asks for it in ``addopts``, its last key."""

REPLACING = {
    "the key": ("-o", "traingate_against=", "test_other.py"),
    "addopts": ("-o", "addopts=", "test_other.py"),
    "the file": ("-c", "other.ini", "test_other.py"),
    "the folder": ("inner/test_inner.py",),
    "no plugin": ("-p", "no:traingate", "test_other.py"),
    "version": ("--version",),
}
"""Arguments that replace the configuration, or leave out what reads it."""

if pytest.version_tuple >= (9,):  # earlier versions do not read pytest.toml
    REPLACING["a file that is read first"] = ("test_other.py",)


@pytest.mark.parametrize("way", REPLACING)
def test_a_run_whose_configuration_is_replaced_has_no_results(project, way):
    project.write("pytest.ini", ASKING_BY_OPTION if way == "addopts" else ASKING)
    for name in ("test_other.py", "inner/test_inner.py"):
        project.write(name, "def test_other(): pass\n")
    for name in ("other.ini", "inner/pytest.ini"):
        project.write(name, "[pytest]\n")
    if way == "a file that is read first":
        project.write("pytest.toml", "")
    ended = project.run(*REPLACING[way])
    assert ended.status == 0, ended.output
    check = project.run("ci", "check", "results.json", python=TRAINGATE)
    assert check.status == 2, check.output


def test_a_configuration_that_asks_makes_results_of_which_the_check_believes_those_that_passed(
    project,
):
    project.write("pytest.ini", ASKING)
    limited = (
        f"import pytest\npytestmark = pytest.mark.traingate(min_samples_per_second=1e9)\n{TESTS}"
    )
    for tests, status in ((TESTS, 0), (limited, 1)):
        project.write("test_speed.py", tests)
        ended = project.run()
        assert ended.status == status, ended.output
        check = project.run("ci", "check", "results.json", python=TRAINGATE)
        assert check.status == status, check.output


@pytest.mark.parametrize("asking", [ASKING, ASKING_BY_OPTION])
def test_a_configuration_that_asks_fails_a_run_without_a_training_benchmark(project, asking):
    project.write("pytest.ini", asking)
    project.write("test_other.py", "def test_other(): pass\n")
    asked = project.run("test_other.py")
    assert asked.status == 1, asked.output
    assert "no training benchmark was selected" in asked.output


def test_results_that_compare_nothing_fail_the_check(project):
    measured = (*DUET[:3], "--traingate-json=results.json")
    assert project.run(*measured).status == 0
    check = project.run("ci", "check", "results.json", python=TRAINGATE)
    assert check.status == 2, check.output
    assert "compare nothing" in check.output
