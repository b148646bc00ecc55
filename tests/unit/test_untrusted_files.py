"""Files are read in bounded time and memory, and written completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from damages import DAMAGES, public_folder, unreadable, with_blocks
from traingate.untrusted.files import (
    append,
    contains,
    copy_atomically,
    read_bounded,
    write_atomically,
)
from traingate.untrusted.locks import locked

NOT_READ = {
    "a sparse gibibyte", "a folder", "a FIFO", "a link to nowhere",
    "a link to itself", "a link to a device",
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_only_regular_files_of_a_bounded_size_are_read(tmp_path, damage):
    path = tmp_path / "file"
    path.write_bytes(b'{"a": "b"}')
    DAMAGES[damage](path)
    if damage not in NOT_READ:
        assert read_bounded(path, 1 << 20) == path.read_bytes()
        return
    with pytest.raises(OSError, match=r"not a file|larger than|No such|levels of symbolic"):
        read_bounded(path, 1 << 20)


def test_a_gibibyte_of_the_disk_is_not_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b'{"a": "b"}')
    with with_blocks(path), pytest.raises(OSError, match="larger than"):
        read_bounded(path, 1 << 20)


def test_the_bound_itself_is_read_and_one_byte_more_is_not(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_bounded(path, 100) == b"x" * 100
    with pytest.raises(OSError, match="larger than"):
        read_bounded(path, 99)


def test_a_file_that_grows_while_it_is_read_is_bounded_too():
    """The files of /proc have the size 0."""
    from pathlib import Path

    with pytest.raises(OSError, match="larger than"):
        read_bounded(Path("/proc/self/maps"), 10)


def test_a_text_is_found_across_the_parts_that_are_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * ((1 << 20) - 3) + b"needle" + b"x" * 100)
    assert contains(path, b"needle")
    assert not contains(path, b"needles")


def test_a_file_is_replaced_with_its_permissions(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    write_atomically(path, "new \udcff")
    assert path.read_bytes() == b"new \\udcff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def write_new(path):
    write_atomically(path, "new")


def copy_new(path):
    source = path.with_name("source")
    source.write_text("new")
    copy_atomically(source, path)


@pytest.mark.parametrize("write", [write_new, copy_new])
def test_a_link_is_replaced_and_its_target_is_left_alone(tmp_path, write):
    outside = tmp_path / "outside"
    outside.write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(outside)
    write(link)
    assert (outside.read_text(), link.read_text(), link.is_symlink()) == ("precious", "new", False)


WRITE = """
import resource, signal, sys
from pathlib import Path
from traingate.untrusted.files import copy_atomically, write_atomically
path, source = map(Path, sys.argv[1:])
source.write_text("x" * (1 << 20))
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))
"""


@pytest.mark.parametrize(
    "write", ["write_atomically(path, source.read_text())", "copy_atomically(source, path)"]
)
def test_a_disk_that_is_full_in_the_middle_leaves_the_old_file(tmp_path, write):
    """The kernel refuses to write more than a limit, as it does where the disk ends."""
    path, source = tmp_path / "file", tmp_path / "source"
    path.write_text("old")
    command = [sys.executable, "-c", f"{WRITE}{write}\n", str(path), str(source)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "File too large" in process.stderr
    assert path.read_text() == "old"
    assert {each.name for each in tmp_path.iterdir()} == {"file", "source"}


@pytest.mark.parametrize("damage", sorted(NOT_READ - {"a sparse gibibyte"}))
def test_only_regular_files_are_copied(tmp_path, damage):
    path, source = tmp_path / "copy", tmp_path / "file"
    path.write_text("old")
    source.write_text("new")
    DAMAGES[damage](source)
    with pytest.raises(OSError, match=r"not a file|No such|levels of symbolic"):
        copy_atomically(source, path)
    assert path.read_text() == "old"
    assert {each.name for each in tmp_path.iterdir()} <= {"copy", "file"}


def test_a_folder_that_may_not_be_written_to_is_an_error():
    with public_folder() as folder:
        inner = folder / "inner"
        inner.mkdir()
        (inner / "file").write_text("old")
        with unreadable(inner), pytest.raises(PermissionError):
            write_atomically(inner / "file", "new")
        assert (inner / "file").read_text() == "old"


def test_a_fifo_that_nobody_reads_does_not_hang_a_writer(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number of the error is checked
        write_atomically(tmp_path / "fifo", "text")
    assert caught.value.errno == errno.ENXIO


def test_a_fifo_that_is_read_and_a_device_are_written_to(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    texts = []
    thread = threading.Thread(target=lambda: texts.append(path.read_text()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not texts and time.monotonic() < deadline:
        try:
            write_atomically(path, "x" * 200_000)
            break
        except OSError:  # not opened by the reader yet
            time.sleep(0.01)
    thread.join(10)
    assert texts == ["x" * 200_000]
    program = "from pathlib import Path; from traingate.untrusted.files import write_atomically\n"
    program += "write_atomically(Path('/dev/stdout'), 'text')"
    assert subprocess.check_output([sys.executable, "-c", program]) == b"text"


STREAMS = """
import os, sys
from pathlib import Path
from traingate.untrusted.files import write_atomically

print("before", flush=True)
write_atomically(Path(sys.argv[1].format(os.getpid())), "text\\n")
print("after")
"""


@pytest.mark.parametrize(
    "path",
    ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/{}/fd/1", "/dev/../dev/stdout"],
)
@pytest.mark.parametrize("mode", ["w", "a"])
def test_a_file_that_the_output_goes_to_is_written_to_where_the_output_stands(tmp_path, path, mode):
    """Opened a second time, it would be overwritten from its beginning."""
    log = tmp_path / "log"
    log.write_text("old\n")
    with log.open(mode) as stream:
        subprocess.run([sys.executable, "-c", STREAMS, path], stdout=stream, check=True)
    old = ["old"] if mode == "a" else []
    assert log.read_text().split() == [*old, "before", "text", "after"]


def test_a_text_is_found_in_a_file_that_is_read_byte_by_byte(tmp_path, monkeypatch):
    """A file system may return less than was asked for, such as FUSE and NFS."""
    path = tmp_path / "file"
    path.write_bytes(b"hay needle hay")
    read = os.read
    monkeypatch.setattr(os, "read", lambda file, _: read(file, 1))
    assert contains(path, b"needle")
    assert not contains(path, b"needles")


@pytest.mark.parametrize("kind", ["a folder", "a link to itself"])
def test_what_cannot_be_replaced_is_an_error_or_replaced(tmp_path, kind):
    path = tmp_path / "file"
    path.write_text("old")
    DAMAGES[kind](path)
    if kind == "a folder":
        with pytest.raises(OSError, match="not a file"):
            write_atomically(path, "new")
    else:
        write_atomically(path, "new")
        assert path.read_text() == "new"


LOCK = """
import sys
from pathlib import Path
from traingate.untrusted.locks import locked
with locked(Path(sys.argv[1]), 10) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_folder_excludes_other_processes_and_ends_with_them(tmp_path):
    command = [sys.executable, "-c", LOCK, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "True\n"
        with locked(tmp_path, 0.05) as held:
            assert held is False
        other.kill()
    with locked(tmp_path, 5) as held:
        assert held is True
    assert list(tmp_path.iterdir()) == []


def test_a_thread_that_holds_the_lock_does_not_wait_for_itself(tmp_path):
    link = tmp_path.with_name(f"{tmp_path.name}-link")
    link.symlink_to(tmp_path)
    others = []

    def try_to_lock():
        with locked(tmp_path, 0.0) as held:
            others.append(held)

    for _ in range(2):
        with locked(tmp_path, 0.0) as outer:
            with locked(link, 0.0) as inner:
                assert (outer, inner) == (True, True)
            thread = threading.Thread(target=try_to_lock)
            thread.start()
            thread.join()
    assert others == [False, False]


def test_without_a_folder_there_is_no_lock_and_no_error(tmp_path):
    with locked(tmp_path / "nowhere", 0.1) as held:
        assert held is False


def test_a_text_is_appended_to_a_file_that_may_be_missing(tmp_path):
    for text in ("ä", "\udcff"):
        append(tmp_path / "file", text)
    assert (tmp_path / "file").read_text() == "ä\\udcff"
    append(Path("/dev/null"), "text")
