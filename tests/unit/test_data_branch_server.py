"""Test which server is given the token, and what a stranger's branch of runs can do."""

from __future__ import annotations

import os
import subprocess

import pytest
from test_data_branch import branch, fetched, git, new_run  # noqa: F401 - a fixture

from git_server import GitServer
from traingate.errors import ConfigurationError
from traingate.pull_requests import data_branch
from traingate.pull_requests.data_branch import DataBranch

TOKEN = "q7Zx9Lm2Vb4Nc8Kd1Fg5"  # noqa: S105


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with GitServer(tmp_path, TOKEN) as started:
        yield started


def test_the_token_of_the_job_opens_the_server_of_the_job(branch, server, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("GITHUB_SERVER_URL", server.address)
    remote = DataBranch(f"{server.address}/remote.git")
    remote.add([new_run(tmp_path / "storage", "0001_a")], tmp_path / "storage", keep=10)
    assert fetched(remote, tmp_path / "runs") == fetched(branch, tmp_path / "all") == ["0001_a"]
    assert set(server.given) == {f"x-access-token:{TOKEN}"}


@pytest.mark.parametrize("own", ["", "http://127.0.0.1:1"])
def test_no_other_server_is_given_the_token(branch, server, tmp_path, monkeypatch, own):  # noqa: F811
    """Code of a pull request that was installed may have changed the address of the remote."""
    monkeypatch.setenv("GITHUB_SERVER_URL", own)
    with pytest.raises(ConfigurationError) as caught:
        DataBranch(f"{server.address}/remote.git").fetch(tmp_path / "runs")
    assert TOKEN not in str(caught.value)
    assert server.given == []


@pytest.fixture
def stranger(branch, tmp_path):  # noqa: F811 - the imported fixture
    """Return a function that pushes files to the branch of the runs."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", branch.remote, str(clone)], check=True)

    def push(**files):
        for name, content in files.items():
            (clone / name.replace("__", ".")).write_bytes(content)
        git(clone, "add", "-A", "-f")
        git(clone, "commit", "-q", "-m", "evil")
        git(clone, "push", "-q", "origin", f"HEAD:refs/heads/{branch.name}")
        return branch

    return push


def test_the_branch_chooses_no_filter(stranger, tmp_path, monkeypatch):
    """Git LFS is such a filter, which many machines have; a branch names its server."""
    settings = tmp_path / "gitconfig"
    program = f"touch {tmp_path / 'ran'}; cat"
    settings.write_text(f'[filter "lfs"]\n smudge = "{program}"\n clean = "{program}"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    evil_branch = stranger(__gitattributes=b"*.json filter=lfs eol=crlf\n", a__json=b"{}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert fetched(evil_branch, tmp_path / "runs") == ["a"]
    assert (tmp_path / "runs" / "a.json").read_bytes() == b"{}\n"
    assert not (tmp_path / "ran").exists()


def test_the_branch_brings_nothing_but_runs(stranger, tmp_path):
    """pytest would run its tests, as part of the checkout."""
    evil_branch = stranger(
        test_evil__py=b"raise SystemExit", conftest__py=b"raise SystemExit", a__json=b"{}\n"
    )
    folder = tmp_path / "clone" / "conftest.json"
    folder.mkdir()
    (folder / "b.json").write_text("{}")
    (folder / "test_evil.py").write_text("raise SystemExit")
    (folder / "deep").mkdir()
    (folder / "deep" / "c.json").write_text("{}")
    stranger()
    assert fetched(evil_branch, tmp_path / "runs") == ["a", "b", "conftest"]
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["a.json", "b.json"]


@pytest.mark.parametrize(("limit", "value"), [("_MAX_BYTES", 1 << 20), ("_MAX_FILES", 1)])
def test_a_branch_with_too_much_is_not_written(stranger, tmp_path, monkeypatch, limit, value):
    """Zeros are packed to a thousandth of their size."""
    monkeypatch.setattr(data_branch, limit, value)
    large_branch = stranger(a__json=bytes(2 << 20), b__json=b"{}")
    with pytest.raises(ConfigurationError, match=r"has 2 files of 2097154 bytes"):
        large_branch.fetch(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
