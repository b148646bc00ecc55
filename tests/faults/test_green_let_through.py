"""Test the runs that docs/reliability.md lets through: they end green, and it says what shows them."""

from __future__ import annotations

import pytest
from session_sites import DUET, MODELS, STORED, TEST_FILE, TESTS, site

OTHER = TESTS.replace("test_model", "test_other")

SLOWER = f"{MODELS}\ndef slower():\n    return training(lambda: time.sleep(0.02))\n"
"""Models with a workload of four times the step time of ``model``."""

MADE = """
from models import model

def made(name):
    def test(training_benchmark):
        training_benchmark(model)

    globals()[name] = test

for name in {names}:
    made(name)
"""

CHOSEN = """
import helper

def test_model(training_benchmark):
    training_benchmark(helper.chosen)
"""

BY_FIXTURE = """
def test_model(training_benchmark, chosen):
    training_benchmark(chosen)
"""

FIXTURE = """
import models, pytest

@pytest.fixture
def chosen(): return models.{name}
"""

MEASURING = """
import models, pytest

@pytest.fixture(autouse=True)
def measured(training_benchmark):
    training_benchmark(models.model)
"""

LACKING = """
from dataclasses import dataclass
from models import model
from traingate import BaseLayer

@dataclass(frozen=True)
class Lacking(BaseLayer):
    name = "lacking"
    order = 50

    def unavailable(self): return "needs what is not there"

    def apply(self, training): pass

def test_other(training_benchmark):
    training_benchmark(model, layers=[Lacking()])
"""

MADE_CLASS = """
from models import model

Base = type("Base", (), {"__init__": lambda self: None})

class TestNet(Base):
    def test_net(self, training_benchmark):
        training_benchmark(model)
"""

WAYS = {
    "a module that is not collected": (
        {"test_other.py": OTHER},
        {"conftest.py": "collect_ignore = ['test_other.py']\n"},
        {"compared": 1, "deselected": 1, "gone": 0},
    ),
    "a test that pytest collects in neither version": (
        {"test_other.py": MADE_CLASS},
        {},
        {"compared": 1, "deselected": 1, "gone": 0},
    ),
    "a test that was made while Python ran": (
        {"test_speed.py": MADE.format(names=["test_one", "test_two"])},
        {"test_speed.py": MADE.format(names=["test_one"])},
        {"compared": 1, "deselected": 0, "gone": 0},
    ),
    "a test that a conftest file measures": (
        {"others/conftest.py": MEASURING, "others/test_other.py": "def test_other(): ...\n"},
        {"others/test_other.py": ""},
        {"compared": 1, "deselected": 0, "gone": 0},
    ),
    "a test that a module of pytest_plugins measures": (
        {
            "conftest.py": "pytest_plugins = ['measuring']\n",
            "measuring.py": MEASURING.replace("(autouse=True)", ""),
            "test_other.py": "def test_other(measured): ...\n",
        },
        {"test_other.py": ""},
        {"compared": 1, "deselected": 0, "gone": 0},
    ),
    "a layer that this machine lacks": (
        {"test_other.py": LACKING},
        {},
        {"compared": 1, "skipped": 1},
    ),
    "another workload of a helper": (
        {
            "models.py": SLOWER,
            "helper.py": "from models import model as chosen\n",
            "test_speed.py": CHOSEN,
        },
        {"helper.py": "from models import slower as chosen\n"},
        {"compared": 1, "passed": 1},
    ),
    "another workload of a fixture": (
        {
            "models.py": SLOWER,
            "conftest.py": FIXTURE.format(name="model"),
            "test_speed.py": BY_FIXTURE,
        },
        {"conftest.py": FIXTURE.format(name="slower")},
        {"compared": 1, "passed": 1},
    ),
}
"""Files of the base, files of the change, and counts in the end."""


@pytest.fixture
def project():
    with site() as made:
        yield made
        assert made.leftovers() == []


@pytest.mark.parametrize("way", WAYS)
def test_a_duet_that_ends_green_shows_it_in_its_counts(project, way):
    base, change, counts = WAYS[way]
    for name, text in base.items():
        project.write(name, text)
    project.commit()
    for name, text in change.items():
        project.write(name, text)
    ended = project.run(*DUET)
    assert ended.status == 0, ended.output
    assert {name: ended.counts[name] for name in counts} == counts, ended.output


def test_a_base_that_reads_code_by_an_absolute_path_has_that_of_the_change(project):
    file = project.write("seconds.py", "SECONDS = 0.005\n")
    code = f"exec(open({str(file)!r}).read())\n"
    project.write("models.py", f"{code}{MODELS.replace('sleep(0.005)', 'sleep(SECONDS)')}")
    project.commit()
    project.write("seconds.py", "SECONDS = 0.02\n")
    ended = project.run(*DUET)
    assert ended.status == 0, ended.output
    assert ended.counts["passed"] == 1


def test_a_storage_that_the_change_brings_is_believed(project):
    project.store()  # of a step of a second
    ended = project.run(*STORED)
    counts = ended.counts  # with one launch, a busy machine may leave the verdict open
    assert (ended.status, counts["compared"], counts["regressed"]) == (0, 1, 0), ended.output


def test_a_comparison_that_a_pipe_asks_for_may_select_no_benchmark(project):
    project.write("bench/test_speed.py", project.folder.joinpath(TEST_FILE).read_text())
    project.write("tests/test_other.py", "def test_other(): pass\n")
    project.folder.joinpath(TEST_FILE).unlink()
    project.write("pytest.ini", "[pytest]\npythonpath = .\ntestpaths = tests\n")
    project.commit()
    lines = "\n".join([*DUET, "bench"])
    assert project.run(f"@{project.write('lines', lines)}").counts["compared"] == 1
    project.prefix[:] = ["sh", "-c", 'cat lines | exec "$@" @/dev/stdin', "sh"]
    ended = project.run()
    assert ended.status == 0, ended.output
    assert "compared" not in ended.output
