"""Names of commits, and branches of runs, that a stranger has chosen: git obeys none of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_data_branch import branch, git, new_run  # noqa: F401 - a fixture
from test_worktree import commit, new_repository

from traingate.cli import main
from traingate.errors import ConfigurationError, TraingateError
from traingate.pull_requests.event import reason_in
from traingate.worktree.repository import Repository

REFERENCES = [
    "--upload-pack=touch ran", "--output=ran", "-c", "-", "--", "--help", "--exec=touch ran", "--all",
    "$(touch ran)", "`touch ran`", "; touch ran", "| touch ran", "ext::sh -c touch% ran", "..", "../x",
    "HEAD..", "^HEAD", "HEAD^{/x", "HEAD:../../x", ":/", ":(top)x", "@{u}", "a\nb", "a\0b", "", " ", "-HEAD",
    "a" * 10_000, "refs/heads/../../x", "origin/--upload-pack=touch ran", "HEAD -- --output=ran", "\udcff",
    "--git-dir=x", "HEAD\n--output=ran", "main;touch ran", "HEAD~99999999999999999999",
]  # fmt: skip


@pytest.fixture
def repository(tmp_path, monkeypatch):
    folder = new_repository(tmp_path / "project")
    commit(folder, models="one")
    monkeypatch.chdir(folder)
    return Repository(folder.resolve())


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda name: ascii(name)[:30])
def test_a_reference_that_is_none_is_refused_and_does_nothing(repository, tmp_path, reference):
    before = {*tmp_path.rglob("*")}
    with pytest.raises(ConfigurationError, match=r"names no commit of"):
        repository.resolve_commit(reference)
    assert {*tmp_path.rglob("*")} == before


def test_a_branch_whose_name_is_an_option_is_found_as_a_branch(repository, tmp_path):
    """git itself refuses to make it, and an update of a reference does not."""
    head = git(repository.root, "rev-parse", "HEAD")
    (repository.root / ".git" / "refs" / "heads" / "--output=ran").write_text(f"{head}\n")
    before = {*tmp_path.rglob("*")}
    assert repository.resolve_commit("--output=ran").hash == head
    assert {*tmp_path.rglob("*")} == before


def test_a_check_out_runs_no_hook_and_writes_nothing_outside(repository, tmp_path):
    from traingate.worktree.removal import Removal
    from traingate.worktree.worktrees import Worktrees

    outside = tmp_path / "outside"
    outside.mkdir()
    hook = repository.root / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (repository.root / "link").symlink_to(outside)
    (repository.root / ".gitattributes").write_text("* filter=evil diff=evil\n")
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "-q", "-m", "evil")
    with Removal() as removal:
        worktrees = Worktrees(removal, tmp_path)
        tree = worktrees.check_out(repository, git(repository.root, "rev-parse", "HEAD"))
        assert (tree / "link").is_symlink()
    assert not (tmp_path / "ran").exists()
    assert list(outside.iterdir()) == []


@pytest.fixture
def evil_branch(branch, tmp_path):  # noqa: F811 - the imported fixture
    """Return the branch of the runs, in which files and folders are links to the outside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text("precious")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", branch.remote, str(clone)], check=True)
    (clone / "Linux-CPython-3.11-64bit").symlink_to(outside)
    (clone / "0001_a.json").symlink_to(outside / "secret.json")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "evil")
    git(clone, "push", "-q", "origin", f"HEAD:refs/heads/{branch.name}")
    return branch


def test_links_in_the_branch_of_the_runs_lead_to_no_file_of_this_machine(evil_branch, tmp_path):
    folder = tmp_path / "fetched"
    folder.mkdir()
    evil_branch.fetch(folder)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert paths
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert "precious" not in "".join(path.read_text() for path in paths)


@pytest.mark.parametrize("place", ["runs", "runs/Linux-CPython-3.11-64bit", "runs/x.json"])
def test_runs_are_not_fetched_through_a_link_of_the_checkout(evil_branch, tmp_path, place):
    """The checkout of a pull request may have any link in the place of the results."""
    link = tmp_path / place
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "outside")
    with pytest.raises(ConfigurationError, match="is a link"):
        evil_branch.fetch(tmp_path / "runs")
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret.json"]


@pytest.mark.parametrize(
    "link",
    [
        "results", "inner", "results/runs", "results/profiles",
        "results/runs/Linux-CPython-3.12-64bit", "results/runs/0001_a.json",
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [["fetch"], ["gate", "--base=HEAD"], ["record"], ["push"]])
def test_no_step_of_a_job_writes_through_a_link_of_the_checkout(
    branch,  # noqa: F811
    tmp_path,
    command,
    link,
):
    outside = tmp_path / "outside"
    outside.mkdir()
    Path(link).parent.mkdir(parents=True, exist_ok=True)
    Path(link).symlink_to(outside)
    output = "inner/results" if link == "inner" else "results"
    result = CliRunner().invoke(main, ["ci", *command, f"--output={output}"])
    assert result.exit_code == 2
    assert "is a link, and nothing is written through it" in result.output
    assert [*outside.iterdir()] == []


def test_nothing_is_written_through_links_in_the_branch_of_the_runs(evil_branch, tmp_path):
    storage = tmp_path / "storage"
    with pytest.raises((TraingateError, OSError)):
        evil_branch.add([new_run(storage, "0002_b")], storage, keep=10)
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret.json"]


def test_a_link_is_not_added_to_the_branch_of_the_runs(branch, tmp_path):  # noqa: F811
    storage = tmp_path / "storage"
    run = new_run(storage, "0001_a")
    link = run.with_name("0002_b.json")
    secret = tmp_path / "secret"
    secret.write_text("precious")
    link.symlink_to(secret)
    with pytest.raises(ConfigurationError, match=r"0002_b.json is a link"):
        branch.add([run, link], storage, keep=10)
    assert git(tmp_path / "remote.git", "branch", "--list") == ""


@pytest.mark.parametrize(
    "reason", ["a\0b", "\x1b[31mred", "::error::x", "--traingate-against=x", "$(x)"]
)
def test_a_reason_of_a_description_is_an_argument_of_a_process(reason):
    (line,) = [reason_in(f"text\ntraingate-accept: {reason}\nmore")]
    output = subprocess.check_output(["echo", f"--traingate-accept={line}"])
    assert b"\x1b" not in output
    assert b"\n::" not in output
