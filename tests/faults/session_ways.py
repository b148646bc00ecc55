"""Ways in which a run that is to compare could end green without having compared.

Each is one change to a project whose only training benchmark fails its comparison: arguments,
environment variables, or files. Under none of them may the exit status be 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from session_sites import DUET, FAST, MODELS, SMOKE, STORED, TEST_FILE, Ended, Site

ENDED_EARLY = "was asked for, and this run ended before its tests had"
NOTHING = "none of 1 training benchmarks was compared"
NO_BENCHMARK = "no training benchmark was selected"
CHANGED_STATUS = "the exit status was set to 0 after this run had failed"
HIDDEN = "was not reported as failed, but its comparison failed"
HIDDEN_FAILURE = "failed, and the exit status is 0 all the same"
CUT_SHORT = f"{CHANGED_STATUS}: it ended before its last test"
CAUGHT_EXIT = "caught unexpected SystemExit!"  # by pytest, with status 3
LOADING = "called sys.exit() while it was loaded"
REFUSED = "No stored run has"
NEW = "does not exist in"
OPTION_OF_TRAINGATE = "unrecognized arguments: --traingate-"

STORED_RUN, COMMIT, INI, FILE = "stored run", "commit", "ini key", "file of arguments"
FILE_OF_FILE, KEY, ADDOPTS = "file of a file", "overridden key", "overridden addopts"
EMPTY_STORAGE = "empty storage"
"""Askers: what asks for the comparison."""

ASKERS: Mapping[str, tuple[str, ...]] = {
    STORED_RUN: STORED,
    COMMIT: DUET,
    INI: (*SMOKE, "--traingate-launches=2"),
    FILE: (*SMOKE, "@gate.txt"),
    FILE_OF_FILE: (*SMOKE, "@outer.txt"),
    KEY: (*SMOKE, "--traingate-launches=2", "-otraingate_against=HEAD"),
    ADDOPTS: (*SMOKE, "-o", "addopts=--traingate-launches=2 --traingate-against=HEAD"),
    EMPTY_STORAGE: ("--benchmark-compare", "--benchmark-storage=none"),
}
"""Options of each asker."""


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        says: Text in the output that says what is wrong.
        arguments: Further arguments of pytest.
        variables: Environment variables.
        files: Contents of files of the project, by their names.
        addopts: Options in the project's configuration.
        status: Exit status of the run.
        askers: Askers with which it is tried.
    """

    says: str
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    addopts: str = ""
    status: int = 1
    askers: tuple[str, ...] = (STORED_RUN, COMMIT, INI)

    def run(self, project: Site, asker: str) -> Ended:
        """Run pytest in this way."""
        key = "traingate_against = HEAD\n" if asker == INI else ""
        project.write("pytest.ini", f"[pytest]\naddopts = -p no:randomly {self.addopts}\n{key}")
        if asker in {FILE, FILE_OF_FILE}:
            project.write("outer.txt", "-q\n@gate.txt\n")
            project.write("gate.txt", "--traingate-launches=2\n--traingate-against=HEAD\n")
        for name, text in self.files.items():
            project.write(name, text)
        project.variables.update(self.variables)
        return project.run(*ASKERS[asker], *self.arguments)


def prepare(project: Site, asker: str) -> None:
    """Let the comparison fail without measuring: what it names has another workload."""
    if asker == STORED_RUN:
        project.store(FAST, workload="models.py::other")
    elif asker != EMPTY_STORAGE:
        project.write("models.py", MODELS.replace("def model", "def other"))
        project.commit()
        project.write("models.py", MODELS)


def cases(ways: Mapping[str, Way]) -> list[object]:
    """Return parameters for each way and asker; the short form of the tests has one for each way."""
    return [
        pytest.param(
            name,
            asker,
            id=f"{name}-{asker}",
            marks=() if asker == way.askers[number % len(way.askers)] else pytest.mark.long,
        )
        for number, (name, way) in enumerate(ways.items())
        for asker in way.askers
    ]


def by_options(text: str, says: str, status: int = 1, **variables: str) -> Way:
    """Return the way of giving these options, and of setting these environment variables."""
    return Way(says, tuple(text.split()), variables, status=status)


def of_stored_runs(way: Way) -> Way:
    """Return a way that is tried with stored runs alone."""
    return replace(way, askers=(STORED_RUN,))


def nothing_stored(way: Way) -> Way:
    """Return a way that is tried with an empty storage alone."""
    return replace(way, askers=(EMPTY_STORAGE,))


def early(way: Way, *askers: str) -> Way:
    """Return a way that ends a run before its tests, and that is tried with an empty storage too."""
    return replace(way, askers=(*(askers or way.askers), EMPTY_STORAGE))


def by_conftest(text: str, says: str, tests: str | None = None, status: int = 1) -> Way:
    """Return the way of having this conftest file, and this file of tests."""
    files = {"conftest.py": f"import pytest, sys\n{text}\n"}
    if tests is not None:
        files |= by_tests(tests, says).files
    return Way(says, files=files, status=status)


def by_tests(text: str, says: str, status: int = 1) -> Way:
    """Return the way of having this text, after imports, as the file of the test."""
    imports = "import os, pytest, sys, threading\nfrom models import model\n"
    return Way(says, files={TEST_FILE: f"{imports}\n{text}\n"}, status=status)
