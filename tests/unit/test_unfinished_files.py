"""Files whose writer is killed in the middle, or that another process writes at the same time."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from itertools import count
from types import SimpleNamespace

import pytest

from traingate.untrusted import files, new_names
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


def refusing(number):
    """Return a function of the system that fails."""

    def refuse(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    return refuse


def refuse_to_rename(*_arguments):
    ctypes.set_errno(errno.EINVAL)
    return -1


C_LIBRARIES = {
    "no links, and renames that replace": SimpleNamespace(renameat2=refuse_to_rename),
    "no links, and an old C library": SimpleNamespace(),
}
"""C libraries on a file system that cannot rename without replacing, or without that function."""


@pytest.fixture(params=["links", "no links", *C_LIBRARIES])
def new_file(request, tmp_path, monkeypatch):
    """A path in a folder of a file system with or without hard links, as exFAT."""
    if request.param != "links":
        monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    if request.param in C_LIBRARIES:
        library = C_LIBRARIES[request.param]
        monkeypatch.setattr(ctypes, "CDLL", lambda *_arguments, **_options: library)
    return tmp_path / "0001_run.json"


TRACED = {files.__file__, new_names.__file__}


def create_and_end_at(line, path):
    """Create a file in a process that is killed at one line of the code, and return its status."""
    child = os.fork()
    if child == 0:
        lines = count(1)

        def trace(frame, event, _argument):
            is_line = event == "line" and frame.f_code.co_filename in TRACED
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


def test_a_new_file_that_cannot_get_its_name_leaves_nothing(new_file):
    with pytest.raises(OSError, match="File name too long"):
        create_atomically(new_file.with_name("x" * 300), b"whole")
    assert list(new_file.parent.iterdir()) == []


def look_up_slowly(path, look_up=os.path.lexists):
    """Leave time for the other process between the look-up of a name and what follows."""
    is_there = look_up(path)
    time.sleep(0.002)
    return is_there


def create_all(paths, content, barrier, results):
    """Create files, each of them when another process does, and send the names of those made."""
    made = []
    for path in paths:
        barrier.wait(timeout=60)
        with contextlib.suppress(FileExistsError):
            create_atomically(path, content)
            made.append(path.name)
    results.send(made)


@pytest.mark.parametrize(
    ("new_file", "has_locks"),
    [("links", False), ("no links", False), *((name, True) for name in C_LIBRARIES)],
    indirect=["new_file"],
)
def test_of_two_processes_that_create_a_file_at_once_neither_replaces_that_of_the_other(
    new_file, has_locks, monkeypatch
):
    monkeypatch.setattr(os.path, "lexists", look_up_slowly)
    if not has_locks:
        monkeypatch.setattr(fcntl, "flock", refusing(errno.ENOLCK))
    context = multiprocessing.get_context("fork")
    paths = [new_file.with_name(f"{number:04}_run.json") for number in range(20)]
    barrier = context.Barrier(2)
    writers = {}
    for content in (b"first", b"second"):
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=create_all, args=(paths, content, barrier, sending))
        process.start()
        writers[content] = process, receiving
    made = {content: receiving.recv() for content, (_, receiving) in writers.items()}
    for process, _ in writers.values():
        process.join()
    contents = {path.name: path.read_bytes() for path in new_file.parent.iterdir()}
    assert len(contents) == len(paths)
    for content, names in made.items():
        assert names == sorted(name for name in contents if contents[name] == content)
