"""Files that are left where a process is killed in the middle of a write."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from itertools import count

import pytest

from traingate.untrusted import files
from traingate.untrusted.files import create_atomically, write_atomically

WRITING = """
import os, signal, sys
from pathlib import Path
from traingate.untrusted.files import write_atomically

os.fsync = lambda _: os.kill(os.getpid(), signal.{name})
write_atomically(Path("results.json"), "x" * 100_000)
"""
"""Program that ends, or stops, when it has written its file and has not put it into its place."""

LONG_AGO = 0  # seconds since 1970


def start_writing(folder, name):
    return subprocess.Popen([sys.executable, "-c", WRITING.format(name=name)], cwd=folder)


def unfinished(folder):
    return sorted(folder.glob(".traingate-*"))


@pytest.fixture
def killed(tmp_path):
    """The unfinished file of a process that was killed in the middle of its write."""
    assert start_writing(tmp_path, "SIGKILL").wait() == -signal.SIGKILL
    (file,) = unfinished(tmp_path)
    assert file.stat().st_size == 100_000
    return file


def test_the_next_write_into_the_folder_removes_what_a_killed_process_has_left(killed, tmp_path):
    os.utime(killed, (LONG_AGO, LONG_AGO))
    write_atomically(tmp_path / "other.json", "text")
    assert [file.name for file in tmp_path.iterdir()] == ["other.json"]


def test_a_young_file_stays_whose_writer_may_not_have_locked_it_yet(killed, tmp_path):
    write_atomically(tmp_path / "other.json", "text")
    assert unfinished(tmp_path) == [killed]


def test_a_file_that_is_being_written_stays_however_old_it_is(tmp_path):
    process = start_writing(tmp_path, "SIGSTOP")
    try:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        (file,) = unfinished(tmp_path)
        os.utime(file, (LONG_AGO, LONG_AGO))
        write_atomically(tmp_path / "other.json", "text")
        assert unfinished(tmp_path) == [file]
    finally:
        process.send_signal(signal.SIGCONT)
        status = process.wait()
    assert status == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.json", "results.json"]


def test_only_regular_files_of_these_names_are_removed(tmp_path):
    names = (".traingate-0123456789abcdef.txt", ".traingate-0123456789ABCDEF", ".traingate-notes")
    for name in names:
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (LONG_AGO, LONG_AGO))
    (tmp_path / f".traingate-{0:016}").mkdir()
    (tmp_path / f".traingate-{1:016}").symlink_to(names[0])
    os.mkfifo(tmp_path / f".traingate-{2:016}")
    before = unfinished(tmp_path)
    write_atomically(tmp_path / "other.json", "text")
    assert unfinished(tmp_path) == before


@pytest.fixture(params=["links", "no links"])
def new_file(request, tmp_path, monkeypatch):
    """A path in a folder of a file system with or without hard links, as exFAT."""

    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse)
    return tmp_path / "0001_run.json"


def create_and_end_at(line, path):
    """Create a file in a process that is killed at one line of the code, and return its status."""
    child = os.fork()
    if child == 0:
        lines = count(1)

        def trace(frame, event, _argument):
            is_line = event == "line" and frame.f_code.co_filename == files.__file__
            if is_line and next(lines) == line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        try:
            sys.settrace(trace)
            create_atomically(path, b"whole")
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_new_file_is_there_as_a_whole_or_not_at_all_wherever_its_writer_is_killed(new_file):
    states = set()
    for line in count(1):
        status = create_and_end_at(line, new_file)
        states.add(new_file.read_bytes() if new_file.exists() else None)
        for file in new_file.parent.iterdir():  # each left one takes lines of the next write
            file.unlink()
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert line > 10
    assert states == {None, b"whole"}


def test_a_new_file_replaces_none_and_leaves_nothing_else(new_file):
    create_atomically(new_file, b"first")
    with pytest.raises(FileExistsError):
        create_atomically(new_file, b"second")
    assert [(each.name, each.read_bytes()) for each in new_file.parent.iterdir()] == [
        (new_file.name, b"first")
    ]
