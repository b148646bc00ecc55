"""Git's answers are the same whatever the user has set.

Each case also shows that the setting would change an answer: without its defence, an answer differs.
"""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from test_worktree import commit, git, new_repository

from traingate.errors import ConfigurationError
from traingate.worktree import git_command
from traingate.worktree import repository as repository_module
from traingate.worktree.base_tests import Source, missing_tests, paired_tests
from traingate.worktree.commit_log import commits_to, newest_tag
from traingate.worktree.git_command import run_git
from traingate.worktree.naming import TestNaming
from traingate.worktree.repository import Repository

TEST = "def test_x(training_benchmark): ...\n"
NAMES = {"test_x.py", " test_y.py", "test_\u00e9\n.py", "below/test_b.py"}

SETTINGS = {
    "color.ui=always": ("color.grep=false", "matching"),
    "color.grep=always": ("color.grep=false", "matching"),
    "submodule.recurse=true": ("submodule.recurse=false", "matching"),
    "log.showSignature=true": ("log.showSignature=false", "commits"),
}
"""Settings of a user: the one in its place, and the answer that would be another one."""

VARIABLES = {
    "GIT_LITERAL_PATHSPECS": ("1", "matching"),
    "GIT_GLOB_PATHSPECS": ("1", "matching"),
    "GIT_NOGLOB_PATHSPECS": ("1", "matching"),
    "GIT_ICASE_PATHSPECS": ("1", "matching"),
    "GIT_DIR": ("/no/folder", "files"),
    "GIT_WORK_TREE": ("/no/folder", "ignored"),
    "GIT_INDEX_FILE": ("/no/file", "ignored"),
    "GIT_OBJECT_DIRECTORY": ("/no/folder", "files"),
    "GIT_COMMON_DIR": ("/no/folder", "files"),
}
"""Variables that commands do not get: their values, and the answer that would be another one."""

TRUSTS_EXTERNAL_DIFF = (2, 46)
"""First version of git in which the program of diff.external can say that nothing differs."""


def git_version():
    text = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", text)[:2]))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Return the folder of a project with a submodule, whose checkout is newer than is recorded."""
    parent = tmp_path_factory.mktemp("template").resolve()
    library, root = new_repository(parent / "library"), new_repository(parent / "project")
    commit(library, test_z=TEST)
    (root / "below").mkdir()
    for name in (*NAMES, "TEST_U.PY"):
        (root / name).write_text(TEST)
    commit(root)
    git(root, "tag", "one")
    git(root, "tag", "two")
    git(root, "submodule", "add", "-q", str(library), "library")
    commit(root, test_x="")
    commit(root / "library", test_z="")
    for folder in (root, root / "library"):
        (folder / "ignored").mkdir()
        (folder / ".gitignore").write_text("ignored/\n")
    sign(root)
    return root


def sign(root):
    """Make a commit with a signature, which the project's gpg says something about."""
    git(root, "commit", "-q", "-m", "signed", "--allow-empty")
    lines = git(root, "cat-file", "commit", "HEAD").split("\n")
    lines.insert(
        lines.index(""), "gpgsig -----BEGIN PGP SIGNATURE-----\n -----END PGP SIGNATURE-----"
    )
    signed, gpg = root.parent / "signed", root.parent / "gpg"
    signed.write_text("\n".join(lines) + "\n")
    git(root, "update-ref", "HEAD", git(root, "hash-object", "-t", "commit", "-w", str(signed)))
    gpg.write_text("#!/bin/sh\necho unknown key >&2\n")
    gpg.chmod(0o755)
    git(root, "config", "gpg.program", str(gpg))


@pytest.fixture
def repository(template, tmp_path):
    shutil.copytree(template, tmp_path / "project", symlinks=True)
    return Repository((tmp_path / "project").resolve())


def missing(repository):
    naming = TestNaming()
    pairs = paired_tests(
        repository, hash_of(repository, "one"), repository.root, "training_benchmark", naming
    )
    return missing_tests(pairs, lambda _: True)


def hash_of(repository, name):
    return repository.resolve_commit(name).hash


def below(root, files):
    return sorted(str(file.relative_to(root)) for file in files)


ANSWERS = {
    "missing": missing,
    "files": lambda each: below(each.root, each.python_files("one")),
    "matching": lambda each: [
        below(each.root, each.files_with(name, "training_benchmark")) for name in ("one", "HEAD")
    ],
    "is equal": lambda each: [each.matches_working_tree(name) for name in ("one", "HEAD")],
    "ignored": lambda each: each.ignored_paths(),
    "submodules": lambda each: [path for path, _ in each.submodules("HEAD")],
    "commits": lambda each: [
        (len(one.hash), one.subject, one.tags) for one in commits_to(each, "HEAD")
    ],
    "tag": lambda each: newest_tag(each, frozenset([hash_of(each, "one")])) is not None,
}
"""Functions to answers about the project."""

RIGHT = {
    "missing": {"test_x.py::test_x": Source.REMOVED},
    "files": sorted(NAMES),
    "matching": [sorted(NAMES), sorted(NAMES - {"test_x.py"})],
    "is equal": [False, False],
    "ignored": ("ignored/", "library/ignored/"),
    "submodules": ["library"],
    "commits": [(40, "next", ("one", "two")), (40, "next", ()), (40, "signed", ())],
    "tag": True,
}


def check_answers(repository):
    assert {name: answer(repository) for name, answer in ANSWERS.items()} == RIGHT


def check_other_answer(repository, name):
    """Check that an answer is wrong, or an error."""
    try:
        answer = ANSWERS[name](repository)
    except (ConfigurationError, ValueError):
        return
    assert answer != RIGHT[name]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_of_the_user_changes_nothing(repository, monkeypatch, setting):
    git(repository.root, "config", *setting.split("="))
    check_answers(repository)
    settings, (defence, answer) = [*git_command._SETTINGS], SETTINGS[setting]
    place = settings.index(defence)
    monkeypatch.setattr(git_command, "_SETTINGS", settings[: place - 1] + settings[place + 1 :])
    check_other_answer(repository, answer)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_of_the_user_changes_nothing(repository, monkeypatch, name):
    value, answer = VARIABLES[name]
    monkeypatch.setenv(name, value)
    check_answers(repository)
    left_out = git_command._LEFT_OUT_VARIABLES
    monkeypatch.setattr(git_command, "_LEFT_OUT_VARIABLES", left_out - {name})
    check_other_answer(repository, answer)


@pytest.fixture
def without(monkeypatch):
    """Return a function that takes an option of git-diff(1) away."""

    def take_away(option):
        options = [*repository_module._WHOLE_DIFF]
        options.remove(option)
        monkeypatch.setattr(repository_module, "_WHOLE_DIFF", options)

    return take_away


def test_a_difference_in_a_submodule_is_not_hidden(repository, without):
    git(repository.root, "config", "diff.ignoreSubmodules", "all")
    check_answers(repository)
    without("--ignore-submodules=untracked")
    check_other_answer(repository, "is equal")


@pytest.mark.skipif(git_version() < TRUSTS_EXTERNAL_DIFF, reason="this git does not ask it")
@pytest.mark.parametrize("is_variable", [True, False])
def test_a_difference_is_not_hidden_by_a_program(repository, without, monkeypatch, is_variable):
    if is_variable:
        monkeypatch.setenv("GIT_EXTERNAL_DIFF", "true")
        monkeypatch.setenv("GIT_EXTERNAL_DIFF_TRUST_EXIT_CODE", "true")
    else:
        git(repository.root, "config", "diff.external", "true")
        git(repository.root, "config", "diff.trustExitCode", "true")
    check_answers(repository)
    without("--no-ext-diff")
    check_other_answer(repository, "is equal")


def test_a_commit_in_whose_place_git_shows_another_is_read_as_it_was_made(repository, monkeypatch):
    git(repository.root, "replace", hash_of(repository, "one"), "HEAD")
    check_answers(repository)
    monkeypatch.delitem(git_command._OWN_VARIABLES, "GIT_NO_REPLACE_OBJECTS")
    check_other_answer(repository, "matching")


def test_a_file_of_a_variable_makes_no_clone_shallow(repository, tmp_path, monkeypatch):
    """git-receive-pack(1) sets it for its hooks."""
    shallow = tmp_path / "shallow"
    shallow.write_text(f"{hash_of(repository, 'HEAD')}\n")
    monkeypatch.setenv("GIT_SHALLOW_FILE", str(shallow))
    check_answers(repository)
    left_out = git_command._LEFT_OUT_VARIABLES
    monkeypatch.setattr(git_command, "_LEFT_OUT_VARIABLES", left_out - {"GIT_SHALLOW_FILE"})
    check_other_answer(repository, "commits")


def test_parents_that_a_graft_has_changed_are_those_of_the_commit(repository, monkeypatch):
    grafts = repository.root / ".git" / "info" / "grafts"
    grafts.parent.mkdir(exist_ok=True)
    grafts.write_text(f"{hash_of(repository, 'HEAD')}\n")  # the commit has none
    check_answers(repository)
    monkeypatch.delitem(git_command._OWN_VARIABLES, "GIT_GRAFT_FILE")
    check_other_answer(repository, "commits")


def test_filters_and_hooks_have_the_locale_of_the_user(repository, monkeypatch):
    """A filter that reads names or texts in another encoding would check out other files."""
    locale = {"LC_ALL": "C.UTF-8", "LANGUAGE": "de"}
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    (repository.root / ".gitattributes").write_text("*.py filter=noting\n")
    settings = ("-c", "filter.noting.clean=env >noted")
    run_git(repository.root, *settings, "hash-object", "test_x.py")
    variables = (repository.root / "noted").read_text().splitlines()
    assert {f"{name}={value}" for name, value in locale.items()} <= {*variables}
