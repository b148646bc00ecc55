"""Test ``traingate bisect`` on real commits."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest
from workers import Project, git

from traingate.bisection import Bisection, CommitVerdict

TRAINGATE = Path(sysconfig.get_path("scripts")) / "traingate"
COMMITS = 16
SLOW, BROKEN = 11, (6, 9)
TESTS = """
from models import model

def test_model(training_benchmark):
    training_benchmark(model)
"""


@pytest.fixture
def history(project, temporary, monkeypatch):
    """A repository of sixteen commits, one of which is slower, and two of which do not import."""
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("TMPDIR", str(temporary))
    (project.folder / "test_model.py").write_text(TESTS)
    (project.folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    (project.folder / ".gitignore").write_text("__pycache__/\n")
    for number in range(1, COMMITS + 1):
        seconds = 0.0200 if number < SLOW else 0.0250
        broken = "raise ImportError('in the middle of a change')" if number in BROKEN else ""
        project.write(seconds, f"NUMBER = {number}\n{broken}")
        project.commit()
    return project


def bisect(*arguments):
    command = [TRAINGATE, "bisect", "test_model.py::test_model"]
    options = ["--traingate-scale=smoke", "--traingate-steps=20"]
    return subprocess.run(
        [*command, *arguments, *options], capture_output=True, text=True, check=False
    )


@pytest.mark.timed
@pytest.mark.parametrize(
    ("commits", "duets"), [(9, 5), pytest.param(COMMITS, 6, marks=pytest.mark.long)]
)
def test_the_slow_commit_is_found_in_few_duets(history, commits, duets):
    process = bisect("--good", f"HEAD~{commits - 1}")
    assert process.returncode == 0, process.stderr
    slow_commit = git(history.folder, "rev-parse", f"HEAD~{COMMITS - SLOW}")
    assert f"{slow_commit[:12]} is the first slow commit: next" in process.stdout
    lines = re.findall(r"^  [0-9a-f]{12}  (?:slow|fast):", process.stdout, re.MULTILINE)
    assert 3 <= len(lines) <= duets
    assert git(history.folder, "status", "--porcelain", "--untracked-files=no") == ""
    assert not list(history.folder.glob(".git/traingate-bisect-*"))


class Interrupted:
    """Measurements of commits that are interrupted after some, without a duet.

    Attributes:
        commits: Commits that were measured.
    """

    def __init__(self, project: Project, count: int):
        self.commits, self._project, self._count = [], project, count

    def __call__(self, commit, _folder, _tolerance):
        if len(self.commits) == self._count:
            raise KeyboardInterrupt
        self.commits.append(commit)
        is_bad = int(git(self._project.folder, "rev-list", "--count", commit)) - 1 >= SLOW
        return CommitVerdict(
            commit=commit,
            is_bad=is_bad,
            slowdown_percent=10.0,
            slowdown_percent_interval=(9.0, 11.0),
            pairs=3,
        )


def test_an_interrupted_bisection_goes_on_where_it_has_stopped(history, monkeypatch):
    names = ("test_model.py::test_model", f"HEAD~{COMMITS - 1}", "HEAD", ())
    first, second = Interrupted(history, 2), Interrupted(history, COMMITS)
    bisection = Bisection.of(history.folder, *names)
    monkeypatch.setattr(bisection, "_measure", first)
    with pytest.raises(KeyboardInterrupt):
        bisection.run(lambda _: None)
    bisection = Bisection.of(history.folder, *names)
    monkeypatch.setattr(bisection, "_measure", second)
    result = bisection.run(lambda _: None)
    assert result.first_bad == git(history.folder, "rev-parse", f"HEAD~{COMMITS - SLOW}")
    assert not set(first.commits) & set(second.commits)
    assert [verdict.commit for verdict in result.verdicts] == [*first.commits, *second.commits]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--good=nothing",), "nothing"),
        (("--good=HEAD~1", "--bad=HEAD~1"), "is not slower than"),
    ],
)
def test_what_cannot_be_searched_is_said(history, arguments, message):
    process = bisect(*arguments)
    assert process.returncode == 2
    assert message in process.stderr.splitlines()[-1]
