"""Folders from which compiled code can be loaded, also where TMPDIR is mounted noexec."""

import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest

from sample_settings import settings
from traingate.errors import CautionWarning
from traingate.host import temporary_folders
from traingate.host.temporary_folders import folder_for_builds, folder_for_compiled_code
from traingate.session import Session

MOUNT = 'mount -t tmpfs -o {option} tmpfs "$0" && {{ {fill}; exec "$@"; }}'
"""Script that mounts a folder, in a mount namespace of its own, and runs a command."""

PRINT = (
    "import tempfile; from traingate.host.temporary_folders import folder_for_compiled_code;"
    "print(tempfile.gettempdir(), folder_for_compiled_code())"
)


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Let TMPDIR and the folder for caches be the test's own."""
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_the_folder_for_temporary_files_is_used(folders):
    assert folder_for_compiled_code() == folders / "temporary"


def test_the_users_folder_for_compiled_kernels_comes_first(folders, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folders / "kernels"))
    assert folder_for_compiled_code() == folders / "kernels"
    assert (folders / "kernels").is_dir()


def test_builds_of_a_base_come_into_the_users_folder_for_kernels_last(folders, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folders / "kernels"))
    assert folder_for_builds() == folders / "temporary"
    monkeypatch.setattr(temporary_folders, "_temporary_folders", lambda: iter(()))
    assert folder_for_builds() == folders / "kernels"


def test_a_folder_that_cannot_be_made_is_passed_over(folders, monkeypatch):
    (folders / "file").write_text("")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folders / "file" / "kernels"))
    assert folder_for_compiled_code() == folders / "temporary"


@pytest.mark.parametrize(
    ("option", "fill"),
    [
        ("noexec", "true"),
        ("nr_inodes=1", "true"),
        ("size=64k", 'head -c 100000 /dev/zero > "$0/full" 2>/dev/null'),
    ],
)
def test_a_folder_that_is_mounted_noexec_or_has_no_room_left_is_passed_over(
    folders, monkeypatch, option, fill
):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folders / "kernels"))
    (folders / "kernels").mkdir()
    script = MOUNT.format(option=option, fill=fill)
    namespace = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, folders / "kernels")
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare(1) and the right to mount in a namespace of its own")
    process = subprocess.run(
        [*namespace, sys.executable, "-c", PRINT],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.split() == [
        str(folders / "temporary"),
        str(folders / "temporary"),
    ]


def test_a_caution_is_emitted_if_every_folder_is_mounted_noexec(folders, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_NOEXEC))
    assert folder_for_compiled_code() is None
    session = Session(settings(), folders, [])
    with pytest.warns(CautionWarning, match="set TORCHINDUCTOR_CACHE_DIR to a folder"):
        _ = session.jobs
    try:
        (folder,) = (folders / "temporary").glob("traingate-session-*")
    finally:
        session.close()
    assert not folder.exists()
