"""Ways in which a run that is to compare could end green without having compared.

Each is one change to a project whose only training benchmark has become slower: arguments,
environment variables, or files. Under none of them may the exit status be 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from session_sites import TEST_FILE, Ended, Site

ENDED_EARLY = "was asked for, and this run ended before its tests had"
NOTHING = "none of 1 training benchmarks was compared"
NO_BENCHMARK = "no training benchmark was selected"
CHANGED_STATUS = "the exit status was set to 0"
HIDDEN = "was not reported as failed, but its comparison failed"


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        arguments: Further arguments of pytest.
        variables: Environment variables.
        files: Contents of files of the project, by their names.
        says: Text in the output that says what is wrong.
    """

    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    says: str = ""

    def run(self, project: Site, *options: str) -> Ended:
        """Run pytest in this way."""
        for name, text in self.files.items():
            project.write(name, text)
        project.variables.update(self.variables)
        return project.run(*options, *self.arguments)


def by_options(text: str, says: str = "", **variables: str) -> Way:
    """Return the way of giving these options, and of setting these environment variables."""
    return Way(tuple(text.split()), variables, says=says)


def by_ini(options: str, says: str = "") -> Way:
    """Return the way of having these options in the project's configuration."""
    return Way(files={"pytest.ini": f"[pytest]\naddopts = -p no:randomly {options}\n"}, says=says)


def by_conftest(text: str, says: str = "") -> Way:
    """Return the way of having this conftest file."""
    return Way(files={"conftest.py": f"import pytest, sys\n{text}\n"}, says=says)


def by_tests(text: str, says: str = "") -> Way:
    """Return the way of having this text, after imports, as the file of the test."""
    imports = "import os, pytest, sys, threading\nfrom models import model\n"
    return Way(files={TEST_FILE: f"{imports}\n{text}\n"}, says=says)
