"""Test runs that compare one of several benchmarks: what becomes of the others is said."""

from __future__ import annotations

import pytest
from session_conftest_ways import CHANGING_BEFORE
from session_sites import SLOW, TESTS, site
from session_ways import ASKERS, COMMIT, HIDDEN_FAILURE, STORED_RUN

ONE = (
    "from models import model\n\ndef test_one(training_benchmark):\n    training_benchmark(model)\n"
)
SKIPPING = "import pytest\npytest.skip('no', allow_module_level=True)\n"

SEVERAL = """
import pytest
from models import model

@pytest.fixture
def broken(): pytest.skip('no')

{model}
def test_removed(training_benchmark): training_benchmark(model)
def test_renamed(training_benchmark): training_benchmark(model)
def test_without(training_benchmark): training_benchmark(model)
def test_skipped(training_benchmark): training_benchmark(model)
def test_not_run(training_benchmark): training_benchmark(model)
def test_hidden(training_benchmark): training_benchmark(model)
def test_uncalled(training_benchmark): training_benchmark(model)
def test_dropped(training_benchmark): training_benchmark(model)
def test_no_test(training_benchmark): training_benchmark(model)
"""

CHANGED = """
import pytest
from models import model

@pytest.fixture
def broken(): pytest.skip('no')

{model}
def check_renamed(training_benchmark): training_benchmark(model)
def test_without(): pass
def test_skipped(broken, training_benchmark): training_benchmark(model)
@pytest.mark.xfail(run=False)
def test_not_run(training_benchmark): training_benchmark(model)
@pytest.mark.xfail
def test_hidden(training_benchmark): assert False
def test_uncalled(training_benchmark): pass
def test_dropped(training_benchmark): training_benchmark(model)
def test_no_test(training_benchmark): training_benchmark(model)
test_no_test.__test__ = False
"""

DROPPING = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if item.name != "test_dropped"]
"""
MISSING = {
    "test_removed": "gone",
    "test_renamed": "gone",
    "test_without": "gone",
    "test_skipped": "skipped: no",
    "test_not_run": "skipped: expected to fail",
    "test_hidden": "skipped: expected to fail",
    "test_uncalled": "measured nothing",
    "test_dropped": "gone",
    "test_no_test": "gone",
}
"""Becoming of the tests, as the error says it."""

OF_CLASS = """
class TestNet:
    def test_forward(self, training_benchmark): ...
"""

LEFT_OUT = """
def pytest_collection_modifyitems(config, items):
    dropped = [item for item in items if item.name == "test_dropped"]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]
"""


@pytest.fixture
def project():
    with site() as made:
        yield made
        assert made.leftovers() == []


def store(project, asker, names, *other_files):
    """Give each of these tests a baseline."""
    if asker == STORED_RUN:
        tests = [f"test_speed.py::{name}" for name in ("test_model", *names)]
        project.store(SLOW, *tests, *(f"{file}::test_one" for file in other_files))
    else:
        project.commit()


@pytest.mark.parametrize("asker", [STORED_RUN, COMMIT])
def test_each_test_that_is_missing_beside_a_compared_one_fails_the_run_and_is_named(project, asker):
    model = TESTS.partition("\n\n")[2]
    project.write("test_speed.py", SEVERAL.format(model=model))
    project.write("test_skipped.py", ONE)
    project.write("test_gone.py", ONE)
    store(project, asker, MISSING, "test_skipped.py", "test_gone.py")
    project.write("test_speed.py", CHANGED.format(model=model))
    project.write("test_skipped.py", SKIPPING + ONE)
    (project.folder / "test_gone.py").unlink()
    project.write("conftest.py", DROPPING)
    ended = project.run(*ASKERS[asker], "-rs")
    assert ended.status == 1, ended.output
    listed = ended.output.partition("These tests have a baseline and were not compared:\n")[2]
    assert "  test_skipped.py::test_one: skipped: no" in listed, ended.output
    assert "  test_gone.py::test_one: gone" in listed
    for name, text in MISSING.items():
        assert f"  test_speed.py::{name}: {text}" in listed
    assert (ended.counts["compared"], ended.counts["deselected"]) == (1, 0)
    assert ended.counts["gone"] + ended.counts["skipped"] == len(MISSING) + 2


def test_a_removed_benchmark_is_missed_although_a_test_leaves_no_path_to_git(project):
    project.write("test_other.py", ONE)
    project.commit()
    (project.folder / "test_other.py").unlink()
    hiding = "import os\n\ndef test_last(): os.environ['PATH'] = '/nowhere'\n"
    project.write("test_z_last.py", hiding)
    ended = project.run(*ASKERS[COMMIT], "-p", "no:randomly")
    assert ended.status == 1, ended.output
    assert "git cannot read the repository of" in ended.output


def test_a_test_that_an_unchanged_hook_takes_away_fails_a_duet(project):
    project.write(
        "conftest.py", DROPPING.replace('!= "test_dropped"', "not in open('names').read()")
    )
    project.write("names", "")
    project.write("test_other.py", ONE)
    project.commit()
    project.write("names", "test_one")
    ended = project.run(*ASKERS[COMMIT])
    assert ended.status == 1, ended.output
    assert "  test_other.py::test_one: gone" in ended.output
    assert (ended.counts["compared"], ended.counts["gone"]) == (1, 1)


@pytest.mark.parametrize("asker", [STORED_RUN, COMMIT])
def test_tests_that_are_left_out_by_a_selection_are_counted_and_pass(project, asker):
    model = TESTS.partition("\n\n")[2]
    project.write("test_speed.py", SEVERAL.format(model=model))
    files = ("some/test_ignored.py", "some/test_pattern.py", "more/test_elsewhere.py")
    for file in files:
        project.write(file, ONE)
    store(project, asker, MISSING, *files)
    project.write("conftest.py", LEFT_OUT)
    project.write(
        "pytest.ini", "[pytest]\naddopts = -p no:randomly --ignore=some/test_ignored.py\n"
    )
    project.variables["PYTEST_ADDOPTS"] = "--ignore-glob=*pattern*"
    names = ("-k", "model or removed or dropped", "--deselect=test_speed.py::test_removed")
    ended = project.run(*ASKERS[asker], *names, "test_speed.py", "some")
    assert ended.status == 0, ended.output
    assert (ended.counts["compared"], ended.counts["gone"], ended.counts["skipped"]) == (1, 0, 0)
    assert ended.counts["deselected"] == len(MISSING) + len(files)


def test_a_module_that_cannot_be_imported_is_a_failure_whatever_becomes_of_the_exit_status(project):
    project.write("test_other.py", ONE)
    project.commit()
    project.write("test_other.py", f"raise ValueError\n{ONE}")
    project.write("conftest.py", f"import pytest\n{CHANGING_BEFORE}")
    ended = project.run(*ASKERS[COMMIT], "--continue-on-collection-errors")
    assert ended.status == 1, ended.output
    assert ended.counts["compared"] == 1
    assert f"{HIDDEN_FAILURE}. Look for" in ended.output
    assert "  test_other.py\n" in ended.output


@pytest.mark.parametrize("key", ["python_functions = test_m*", "python_classes = TestOther"])
def test_tests_that_the_change_gives_pytest_no_more_are_gone(project, key):
    project.write("test_speed.py", f"{TESTS}\ndef test_second(training_benchmark): ...\n{OF_CLASS}")
    project.commit()
    project.write("pytest.ini", f"[pytest]\naddopts = -p no:randomly\n{key}\n")
    ended = project.run(*ASKERS[COMMIT])
    assert ended.status == 1, ended.output
    name = "test_second" if "functions" in key else "TestNet::test_forward"
    assert f"  test_speed.py::{name}: gone" in ended.output


def test_a_removed_test_of_a_file_that_only_the_command_line_names_is_gone(project):
    project.write("speed.py", f"{ONE}\ndef test_second(training_benchmark): ...\n")
    project.commit()
    project.write("speed.py", ONE)
    ended = project.run(*ASKERS[COMMIT], "speed.py")
    assert ended.status == 1, ended.output
    assert "  speed.py::test_second: gone" in ended.output


LAYERED = ("training_benchmark)", "training_benchmark, flush_denormal)")
SMALLER = ("(model)", "(tiny)")


@pytest.mark.parametrize(
    ("base_edit", "edit", "change"),
    [
        pytest.param(LAYERED, ("", ""), "requests flush_denormal no more", marks=pytest.mark.long),
        (
            ("", ""),
            SMALLER,
            "measures training_benchmark(tiny) instead of training_benchmark(model)",
        ),
        pytest.param(
            ("", ""),
            ("import model, tiny", "import tiny as model"),
            "measures with model = models::tiny instead of model = models::model",
            marks=pytest.mark.long,
        ),
    ],
    ids=["fewer layers", "another workload", "another workload by the same name"],
)
def test_a_test_that_measures_something_else_than_its_base_fails_a_duet(
    project, base_edit, edit, change
):
    models = (project.folder / "models.py").read_text()
    project.write("models.py", f"{models}\ndef tiny():\n    return model()\n")
    tests = TESTS.replace("import model", "import model, tiny")
    project.write("test_speed.py", tests.replace(*base_edit, 1))
    project.commit()
    project.write("test_speed.py", tests.replace(*edit, 1))
    ended = project.run(*ASKERS[COMMIT])
    assert ended.status == 1, ended.output
    assert f"  test_speed.py::test_model: {change} (the base is " in ended.output
    ended = project.run(*ASKERS[COMMIT], "--traingate-allow-missing=test_speed.py::test_model")
    assert (ended.status, ended.counts["compared"]) == (0, 1), ended.output
