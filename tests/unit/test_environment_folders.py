"""Folders of environments that cannot be read or written are errors that name them."""

from __future__ import annotations

import pytest

from damages import as_another_user, public_folder, unreadable
from traingate.environments import created
from traingate.environments.created import created_environments, remove_environment
from traingate.environments.registry import Environments
from traingate.errors import ConfigurationError


@pytest.fixture
def folder(monkeypatch):
    """Return the folder of environments, which has an empty one that is named ``mine``."""
    with public_folder() as parent:
        folder = parent / "environments"
        monkeypatch.setenv(created.FOLDER_VARIABLE, str(folder))
        python = folder / "mine" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text("")
        yield folder


@pytest.fixture(autouse=True)
def made_by_uv(monkeypatch):
    """Leave the environments empty that uv would make; return its commands."""
    commands = []
    monkeypatch.setattr(created, "_run_uv", lambda name, *_, on_change: commands.append(name))
    return commands


@pytest.mark.parametrize("place", ["/proc/xx", "/dev/null/xx", "x" * 300])
def test_a_folder_in_which_nothing_can_be_made_is_an_error(monkeypatch, place, made_by_uv):
    monkeypatch.setenv(created.FOLDER_VARIABLE, place)
    with pytest.raises(ConfigurationError, match=f"{place}/ipex was not created: "):
        created.create_environment("ipex", None)
    assert made_by_uv == []


def test_an_environment_that_cannot_take_its_name_is_an_error(folder, monkeypatch):
    (folder / "ipex" / "bin").mkdir(parents=True)
    monkeypatch.setattr(created, "_remove", lambda _: None)  # as if another process had made one
    with pytest.raises(ConfigurationError, match=f"{folder}/ipex was not created: .*not empty"):
        created.create_environment("ipex", None)
    assert {path.name for path in folder.iterdir()} == {"mine", "ipex"}


def test_of_an_environment_that_is_a_link_the_link_alone_is_removed(folder):
    link = folder / "ipex"
    link.symlink_to(folder / "mine")
    remove_environment("ipex")
    assert created_environments() == {"mine": folder / "mine"}
    link.symlink_to(folder / "mine")
    assert created.create_environment("ipex", None) == link
    assert not link.is_symlink()
    assert created_environments() == {"mine": folder / "mine"}


def test_a_folder_of_environments_that_may_not_be_read_is_an_error(folder):
    with unreadable(folder):
        with pytest.raises(ConfigurationError, match=f"cannot be read: .*{folder}"):
            created_environments()
        with pytest.raises(ConfigurationError, match="cannot be read"):
            Environments().find("mine")
        # An environment that the user has named is looked for at its own place alone.
        with pytest.raises(ConfigurationError, match="traingate-environment mine: /absent"):
            Environments({"mine": "/absent"}).find("mine")


def test_an_environment_that_may_not_be_removed_is_an_error(folder):
    (folder / "mine" / "bin").chmod(0o555)
    with as_another_user(), pytest.raises(ConfigurationError, match=r"mine was not removed: "):
        remove_environment("mine")
    (folder / "mine" / "bin").chmod(0o755)
    assert created_environments() == {"mine": folder / "mine"}
