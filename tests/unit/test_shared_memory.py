"""Shared memory that a worker's libraries would have removed, had it not been killed."""

from __future__ import annotations

import mmap
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from traingate.controller.shared_memory import remove_unused, shared_memory_of

FOLDER = Path("/dev/shm")  # noqa: S108 - where Linux has shared memory
USING = """
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)
print(flush=True)
input()
"""

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="only Linux has this folder")


@pytest.fixture
def mapped():
    """Return a function that makes a file of shared memory, and maps it into this process."""
    files, maps = [], []

    def make(name):
        file = FOLDER / name
        file.write_bytes(b"x")
        files.append(file)
        with file.open("r+b") as opened:
            maps.append(mmap.mmap(opened.fileno(), 0))
        return file

    yield make
    for each in maps:
        each.close()
    for file in files:
        file.unlink(missing_ok=True)


def test_the_files_of_libraries_are_found_and_not_those_of_a_user(mapped):
    number = int.from_bytes(secrets.token_bytes(4), "big")
    ours = {mapped(f"psm_{number:08x}"), mapped(f"torch_{os.getpid()}_{number}_1")}
    users = mapped(f"my_table_{number}")
    found = shared_memory_of([os.getpid()])
    assert ours <= found
    assert users not in found


def test_a_file_is_removed_once_no_process_uses_it_any_more():
    file = FOLDER / f"torch_{os.getpid()}_{int.from_bytes(secrets.token_bytes(4), 'big')}_2"
    file.write_bytes(b"x")
    command = [sys.executable, "-c", USING, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        remove_unused([file])
        assert file.exists()
        process.stdin.write(b"\n")
    remove_unused([file])
    assert not file.exists()
