"""The end of a search by ``git bisect`` is told from its log, whatever git prints."""

from __future__ import annotations

import pytest
from test_worktree import commit, git, new_repository

from traingate.errors import ConfigurationError
from traingate.worktree.commit_search import CommitSearch, SearchEnd, parse_bisect_log


@pytest.fixture
def commits(tmp_path):
    """Return the folder of a repository and the names of its four commits, the oldest first."""
    folder = new_repository(tmp_path / "project")
    return folder, [commit(folder, models=text) for text in ("one", "two", "three", "four")]


@pytest.mark.parametrize("language", ["", "de"])
def test_the_first_bad_commit_is_found_in_every_language(commits, monkeypatch, language):
    folder, names = commits
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("LANGUAGE", language)
    search = CommitSearch(folder, names[0], names[3])
    step, marks = search.start(), 0
    while not isinstance(step, SearchEnd):
        step = search.mark(step, "bad" if names.index(step) >= 2 else "good")
        marks += 1
    assert step == SearchEnd(names[2])
    assert marks == 2


def test_commits_that_are_all_skipped_are_candidates_with_the_bad_one(commits):
    folder, names = commits
    search = CommitSearch(folder, names[0], names[3])
    step = search.mark(search.mark(search.start(), "skip"), "skip")
    assert step.first_bad is None
    assert {*step.candidates} == {*names[1:]}


def test_the_search_between_neighbours_ends_at_once(commits):
    folder, names = commits
    assert CommitSearch(folder, names[2], names[3]).start() == SearchEnd(names[3])


def test_what_git_refuses_is_an_error(commits):
    folder, names = commits
    search = CommitSearch(folder, names[0], names[3])
    search.start()
    with pytest.raises(ConfigurationError, match=r"git bisect good .* failed: "):
        search.mark("no-commit", "good")
    git(folder, "bisect", "reset")
    with pytest.raises(ConfigurationError, match=r"git bisect failed in .*: .+"):
        CommitSearch(folder, names[3], names[0]).start()


LOG = "# bad: [{0}] # first bad commit: [{1}]\ngit bisect start '--no-checkout' '{0}' '{1}'\n"


@pytest.mark.parametrize("term", ["bad", "'bad'"], ids=["before git 2.55", "since"])
def test_logs_of_all_versions_of_git_are_read(term):
    first, second = "a" * 40, "b" * 64
    log = LOG.format(first, second)
    assert parse_bisect_log(log) is None
    assert parse_bisect_log(f"{log}# first {term} commit: [{second}] why\n") == SearchEnd(second)
    possible = "".join(f"# possible first {term} commit: [{name}] x\n" for name in (first, second))
    skipped = f"{log}# only skipped commits left to test\n{possible}"
    assert parse_bisect_log(skipped) == SearchEnd(None, (first, second))
