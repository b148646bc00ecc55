"""Test ways to end green that no plugin of pytest can see: a check of the results finds them."""

from __future__ import annotations

import pytest
from session_sites import DUET, SLOW, TRAINGATE, site

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


@pytest.mark.parametrize(
    "arguments",
    [("-p", "no:traingate", "-k", "other"), ("--version",), ("test_other.py", "-c", "/dev/null")],
    ids=" ".join,
)
def test_a_run_without_the_plugin_or_the_gate_has_no_results(project, arguments):
    project.write("test_other.py", "def test_other(): pass\n")
    assert project.run(*arguments).status == 0
    check = project.run("ci", "check", "results.json", python=TRAINGATE)
    assert check.status == 2, check.output


def test_results_that_compare_something_pass_the_check(project):
    assert project.run(*DUET, "--traingate-json=results.json").status == 0
    check = project.run("ci", "check", "results.json", python=TRAINGATE)
    assert check.status == 0, check.output


def test_results_of_a_run_that_failed_fail_the_check(project):
    project.write("models.py", (project.folder / "models.py").read_text().replace("0.005", "0.05"))
    assert project.run(*DUET, "--traingate-json=results.json").status == 1
    check = project.run("ci", "check", "results.json", python=TRAINGATE)
    assert check.status == 1, check.output


def test_results_that_compare_nothing_fail_the_check(project):
    measured = (*DUET[:3], "--traingate-json=results.json")
    assert project.run(*measured).status == 0
    check = project.run("ci", "check", "results.json", python=TRAINGATE)
    assert check.status == 2, check.output
    assert "compare nothing" in check.output
