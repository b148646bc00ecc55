"""Folders in which a workload has left what is hard to remove."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from traingate.protocol.channel import Listener
from traingate.untrusted import folders
from traingate.untrusted.folders import remove_folder

DEPTH = 1500
"""Number of nested folders: more than Python's limit of recursion, in a path that the system takes."""

WITHOUT_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Command that lets root be bound by permissions, as every other user is."""


def nest(folder):
    for _ in range(DEPTH):
        folder /= "d"
        folder.mkdir()


def test_folders_that_are_nested_more_deeply_than_python_can_remove_are_removed(tmp_path):
    nest(tmp_path)
    (tmp_path / "beside").write_text("")
    remove_folder(tmp_path)
    assert not tmp_path.exists()


def remove_as_any_user(folder):
    """Remove a folder in a process that permissions bind."""
    as_user = WITHOUT_CAPABILITIES if os.geteuid() == 0 else ()
    command = [*as_user, sys.executable, "-c", REMOVE, folders.__file__, str(folder)]
    subprocess.run(command, check=True)


REMOVE = "import runpy, sys; runpy.run_path(sys.argv[1])['remove_folder'](sys.argv[2])"


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_folder_that_may_not_be_written_to_is_removed(tmp_path, mode):
    protected = tmp_path / "folder" / "protected"
    protected.mkdir(parents=True)
    (protected / "file").write_text("")
    protected.chmod(mode)
    remove_as_any_user(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_a_file_that_has_another_name_outside_keeps_its_permissions(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("kept")
    outside.chmod(0o444)
    protected = tmp_path / "folder" / "protected"
    protected.mkdir(parents=True)
    (protected / "file").hardlink_to(outside)
    protected.chmod(0o500)
    remove_as_any_user(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o444


def test_of_a_link_in_the_place_of_a_folder_the_link_alone_is_removed(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("kept")
    link = tmp_path / "link"
    link.symlink_to(target)
    remove_folder(link)
    assert not os.path.lexists(link)
    assert (target / "file").read_text() == "kept"


def test_of_a_link_in_the_place_of_a_private_directory_no_file_of_its_target_is_removed(tmp_path):
    """These names are those of the controller's own files."""
    for name in ("key", "socket"):
        (tmp_path / name).write_text("kept")
    listener = Listener()
    for file in listener.directory.iterdir():
        file.unlink()
    listener.directory.rmdir()
    listener.directory.symlink_to(tmp_path)
    listener.close()
    assert not os.path.lexists(listener.directory)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["key", "socket"]
