"""A user without a home directory, of whom the system knows nothing: some containers have such users."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest
from click.testing import CliRunner
from stored_records import record_of

from traingate.baselines.index import load_summaries
from traingate.cli import main
from traingate.environments.created import created_environments
from traingate.host import temporary_folders
from traingate.host.user_folders import NoHomeError, user_cache_folder, user_data_folder


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """Let the process be that of such a user, in a working directory that is empty."""

    def unknown(number):
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TRAINGATE_ENVIRONMENTS"):
        monkeypatch.delenv(name, raising=False)
    working_directory = tmp_path / "empty"
    working_directory.mkdir()
    monkeypatch.chdir(working_directory)
    yield
    assert [*working_directory.iterdir()] == []  # no folder is called "~"


@pytest.mark.parametrize("find", [user_cache_folder, user_data_folder])
def test_there_is_no_folder_of_the_user(find):
    with pytest.raises(NoHomeError, match=r"^no home directory for .*traingate: set HOME$"):
        find()


def test_a_folder_below_a_home_that_is_unknown_is_named(monkeypatch):
    """Earlier versions of platformdirs return it."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: Path("~/.cache", name))
    with pytest.raises(NoHomeError, match=r"^no home directory for ~/.cache/traingate: set HOME$"):
        user_cache_folder()


def test_variables_name_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache_folder() == tmp_path / "traingate"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_data_folder() == tmp_path / ".local" / "share" / "traingate"


def test_saved_runs_are_read_without_an_index(storage):
    storage("0001_a", record_of(0.1))
    assert len(load_summaries(str(storage.folder), selection=True)) == 1


def test_there_are_no_environments():
    assert created_environments() == {}


@pytest.mark.parametrize("command", [["create", "ipex"], ["list"]])
def test_the_commands_say_what_is_missing(command):
    result = CliRunner().invoke(main, ["environment", *command])
    assert result.exit_code == 2
    assert "set HOME, or TRAINGATE_ENVIRONMENTS" in result.output


def test_the_folder_of_caches_is_left_out_among_those_for_temporary_files():
    folders = [*temporary_folders._temporary_folders()]
    assert len(folders) == 3
    assert all(folder.is_absolute() for folder in folders)
