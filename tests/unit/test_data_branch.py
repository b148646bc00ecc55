"""Test the branch that keeps the runs of the main branch."""

from __future__ import annotations

import json
import shutil
import subprocess

import msgspec
import pytest
from stored_records import FAILED, record_of

from sample_records import HARDWARE, save_run
from traingate.errors import ConfigurationError
from traingate.pull_requests.data_branch import DataBranch, removable_runs
from traingate.records import Acceptance


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def branch(tmp_path, monkeypatch):
    """Return the branch of the runs in an empty repository that the project was cloned from."""
    remote, project = tmp_path / "remote.git", tmp_path / "project"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    subprocess.run(["git", "clone", "-q", str(remote), str(project)], check=True)
    monkeypatch.chdir(project)
    return DataBranch.of_origin()


def new_run(storage, name, time="2026-11-22T10:00:00", **fields):
    path = storage / "Linux-CPython-3.11-64bit" / f"{name}.json"
    save_run(path, {"bench.py::test_0": record_of(0.1, **fields)})
    content = json.loads(path.read_text())
    content["datetime"] = time
    path.write_text(json.dumps(content))
    return path


def fetched(branch, folder):
    folder.mkdir(exist_ok=True)
    branch.fetch(folder)
    return sorted(path.stem for path in folder.rglob("*.json"))


def test_runs_are_kept_on_a_branch_of_one_commit(branch, tmp_path):
    assert fetched(branch, tmp_path / "none") == []
    for name in ("0001_a", "0002_b"):
        branch.add([new_run(tmp_path / "storage", name)], tmp_path / "storage", keep=10)
    assert fetched(branch, tmp_path / "all") == ["0001_a", "0002_b"]
    assert git(tmp_path / "remote.git", "rev-list", "--count", branch.name) == "1"
    assert not (tmp_path / "all" / ".git").exists()


def test_two_jobs_that_push_at_once_lose_no_run(branch, tmp_path, monkeypatch):
    first = new_run(tmp_path / "storage", "0001_a")
    push, other_pushes = DataBranch._push, []

    def push_after_another_job(self, folder, old):
        if not other_pushes:
            other_pushes.append(True)
            other = new_run(tmp_path / "other", "0001_b")
            self.add([other], tmp_path / "other", keep=10)
        return push(self, folder, old)

    monkeypatch.setattr(DataBranch, "_push", push_after_another_job)
    branch.add([first], tmp_path / "storage", keep=10)
    assert fetched(branch, tmp_path / "all") == ["0001_a", "0001_b"]


def test_other_branches_and_tags_of_that_name_are_not_taken(branch, tmp_path):
    git(tmp_path / "project", "commit", "-q", "--allow-empty", "-m", "start")
    for name in (f"refs/heads/x/{branch.name}", f"refs/tags/{branch.name}"):
        git(tmp_path / "project", "push", "-q", "origin", f"HEAD:{name}")
    branch.add([new_run(tmp_path / "storage", "0001_a")], tmp_path / "storage", keep=10)
    assert fetched(branch, tmp_path / "all") == ["0001_a"]


def test_the_settings_of_the_user_do_not_matter(branch, tmp_path, monkeypatch):
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[commit]\n gpgsign = true\n[gpg]\n program = /bin/false\n[core]\n hooksPath = /nowhere\n"
        "[log]\n showSignature = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    branch.add([new_run(tmp_path / "storage", "0001_a")], tmp_path / "storage", keep=10)
    (tmp_path / "storage" / "README").write_text("not a run")
    assert fetched(branch, tmp_path / "all") == ["0001_a"]


def test_a_remote_that_is_gone_is_an_error(branch, tmp_path):
    shutil.rmtree(tmp_path / "remote.git")
    with pytest.raises(ConfigurationError, match="git ls-remote failed"):
        branch.fetch(tmp_path)


def test_old_runs_are_removed_but_not_accepted_ones_and_those_of_tags(tmp_path):
    accepted = msgspec.structs.replace(FAILED, accepted=Acceptance("why", "2026-11-22"))
    other = msgspec.structs.replace(HARDWARE, cores=64)
    for number, fields in enumerate([{}, {"verdict": accepted}, {"machine": other}, {}, {}, {}]):
        new_run(tmp_path, f"000{number}_a", f"2026-11-22T10:0{number}:00", **fields)
    assert [path.stem for path in removable_runs(tmp_path, 2, ())] == ["0000_a", "0003_a"]
    tagged = json.loads((tmp_path / "Linux-CPython-3.11-64bit" / "0003_a.json").read_text())
    tagged["commit_info"] = {"id": "a" * 40, "dirty": False}
    (tmp_path / "Linux-CPython-3.11-64bit" / "0003_a.json").write_text(json.dumps(tagged))
    assert [path.stem for path in removable_runs(tmp_path, 2, ["a" * 40])] == ["0000_a"]
    assert removable_runs(tmp_path, 10, ()) == []
    assert removable_runs(tmp_path / "none", 1, ()) == []
