import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from traingate.errors import ConfigurationError
from traingate.worktree import git_command
from traingate.worktree.removal import Removal
from traingate.worktree.repository import Repository
from traingate.worktree.worktrees import Worktrees

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")


def git(folder, *arguments):
    process = subprocess.run(
        ["git", *IDENTITY, "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.strip()


def commit(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "next")
    return git(folder, "rev-parse", "HEAD")


def new_repository(folder):
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


@pytest.fixture
def repository(tmp_path):
    folder = new_repository(tmp_path / "project")
    commit(folder, models="one")
    return Repository.containing(folder / "models.py")


@pytest.fixture
def removal():
    with Removal() as made:
        yield made


@pytest.fixture
def worktrees(removal):
    return Worktrees(removal)


def worktrees_of(repository):
    return git(repository.root, "worktree", "list").splitlines()


def test_a_commit_is_checked_out_and_removed_and_the_dirty_tree_stays(
    repository, worktrees, removal
):
    first = repository.resolve_commit("HEAD").hash
    commit(repository.root, models="two")
    (repository.root / "models.py").write_text("three, not committed")
    tree = worktrees.check_out(repository, first)
    assert (tree / "models.py").read_text() == "one"
    assert worktrees.check_out(repository, first) == tree
    assert len(worktrees_of(repository)) == 2
    removal.close()
    assert not tree.exists()
    assert len(worktrees_of(repository)) == 1
    assert (repository.root / "models.py").read_text() == "three, not committed"


def test_a_worktree_is_removed_though_a_process_still_writes_into_it(
    repository, worktrees, removal
):
    """A killed session's workers write until they are killed too, also after ``.git`` is gone."""
    tree = worktrees.check_out(repository, repository.resolve_commit("HEAD").hash)
    program = """
import itertools, sys
from pathlib import Path
tree = Path(sys.argv[1])
for number in itertools.count():
    if number == 2000:
        print("writing", flush=True)
    try:
        (tree / str(number)).touch()
    except FileNotFoundError:
        break
    if not (tree / ".git").exists():
        break
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tree)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "writing\n"
        removal.close()
    assert not tree.exists()
    assert len(worktrees_of(repository)) == 1


def test_a_commit_is_compared_with_the_working_tree(repository, tmp_path):
    first = repository.resolve_commit("HEAD").hash
    assert repository.matches_working_tree(first)
    assert repository.has_file(first, repository.root / "models.py")
    assert not repository.has_file(first, repository.root / "other.py")
    assert not repository.has_file("0" * 40, repository.root / "models.py")
    (repository.root / "models.py").write_text("two")
    assert not repository.matches_working_tree(first)
    assert Repository.containing(tmp_path) is None


@pytest.mark.parametrize("reference", ["no-such-branch", "--upload-pack=touch", "HEAD:models.py"])
def test_a_reference_that_names_no_commit_is_refused(repository, reference):
    with pytest.raises(ConfigurationError, match="names no commit"):
        repository.resolve_commit(reference)


def test_submodules_are_those_of_the_commit(repository, worktrees, removal, tmp_path):
    library = new_repository(tmp_path / "library")
    commit(library, layers="old")
    git(repository.root, "submodule", "add", "-q", str(library), "library")
    first = commit(repository.root)
    commit(library, layers="new")
    git(repository.root / "library", "pull", "-q")
    commit(repository.root)
    tree = worktrees.check_out(repository, first)
    assert (tree / "library" / "layers.py").read_text() == "old"
    assert (repository.root / "library" / "layers.py").read_text() == "new"
    removal.close()
    assert len(worktrees_of(Repository(repository.root / "library"))) == 1
    assert len(worktrees_of(repository)) == 1


def test_hooks_do_not_run_and_git_dir_is_ignored(repository, worktrees, monkeypatch):
    hook = repository.root / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)
    monkeypatch.setenv(
        "GIT_DIR", str(repository.root / "nowhere")
    )  # as git sets it for a pre-push hook
    tree = worktrees.check_out(repository, repository.resolve_commit("HEAD").hash)
    assert (tree / "models.py").read_text() == "one"
    assert not (tree / "hooked").exists()


def test_a_killed_parent_leaves_no_worktree(repository, tmp_path):
    program = (
        "import sys; from pathlib import Path; from traingate.worktree.repository import *; from traingate.worktree.removal import *; from traingate.worktree.worktrees import *\n"
        "repository = Repository(Path(sys.argv[1])); removal = Removal(); trees = Worktrees(removal)\n"
        "print(trees.check_out(repository, repository.resolve_commit('HEAD').hash), removal._cleanup.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(repository.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    tree, pid = parent.stdout.readline().split()
    assert Path(tree).is_dir()
    cleanup = psutil.Process(int(pid))
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    psutil.wait_procs([cleanup], timeout=30)
    assert not cleanup.is_running()
    assert not Path(tree).exists()
    assert len(worktrees_of(repository)) == 1


def test_ctrl_c_during_the_checkout_leaves_nothing(repository, tmp_path):
    started = tmp_path / "started"
    (repository.root / ".gitattributes").write_text("*.py filter=slow\n")
    commit(repository.root, slow="")
    git(repository.root, "config", "filter.slow.smudge", f"touch {started}; sleep 600")
    program = (
        "import sys; from pathlib import Path; from traingate.worktree.repository import *; from traingate.worktree.removal import *; from traingate.worktree.worktrees import *\n"
        "repository = Repository(Path(sys.argv[1])); removal = Removal(); trees = Worktrees(removal)\n"
        "try:\n    trees.check_out(repository, repository.resolve_commit('HEAD').hash)\n"
        "except KeyboardInterrupt:\n    removal.close()\n    print('closed')"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(repository.root)], stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    process = psutil.Process(parent.pid)
    for _ in range(600):
        if started.exists():
            break
        assert not psutil.wait_procs([process], timeout=0.05)[0]
    children = process.children(recursive=True)
    parent.send_signal(signal.SIGINT)
    assert parent.communicate()[0] == "closed\n"
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() for child in children)
    assert len(worktrees_of(repository)) == 1
    assert list((repository.root / ".git").rglob("*.lock")) == []
    assert list((repository.root / ".git").glob("worktrees/*")) == []


def test_worktrees_are_removed_although_the_process_that_does_so_was_killed(
    repository, worktrees, removal
):
    """The kernel ends processes for lack of memory, and this one is as good as any."""
    first = worktrees.check_out(repository, repository.resolve_commit("HEAD").hash)
    for checks_out in (True, False):
        (cleanup,) = [
            child
            for child in psutil.Process().children()
            if any("cleanup.py" in word for word in child.cmdline())
        ]
        cleanup.kill()
        while cleanup.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        if checks_out:
            second = worktrees.check_out(repository, commit(repository.root, models="two"))
    removal.close()
    assert not first.exists()
    assert not second.exists()
    assert len(worktrees_of(repository)) == 1


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_folders_are_removed_although_the_process_could_not_be_started_again(
    removal, tmp_path, monkeypatch, failure
):
    first = removal.make_folder("first-", tmp_path)
    removal._cleanup.kill()
    removal._cleanup.wait()
    start = subprocess.Popen

    def fail(*_arguments, **_keywords):
        monkeypatch.setattr(subprocess, "Popen", start)
        raise failure

    monkeypatch.setattr(subprocess, "Popen", fail)
    with pytest.raises(failure):
        removal.make_folder("second-", tmp_path)
    third = removal.make_folder("third-", tmp_path)
    assert {first, third} == {*tmp_path.iterdir()}
    removal.close()
    assert list(tmp_path.iterdir()) == []


def test_a_git_that_never_answers_is_ended(repository, monkeypatch):
    monkeypatch.setattr(git_command, "_LONGEST_SECONDS", 0.3)
    sleep = ["sleep", f"600.{os.getpid()}"]
    process = git_command.run_git(repository.root, "-c", f"alias.wait=!{' '.join(sleep)}", "wait")
    assert process.returncode != 0
    assert "gave no answer within 0.3 s" in process.stderr
    left = [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == sleep]
    assert psutil.wait_procs(left, timeout=10)[1] == []  # the kernel needs a moment
