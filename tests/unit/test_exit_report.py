import fcntl
import os
from pathlib import Path

import pytest

from traingate.controller.child_logs import ChildLogs

MIB = 1 << 20


@pytest.fixture
def logs(tmp_path):
    """Return the logs of a child with up to four ranks, in a folder."""
    logs = ChildLogs(tmp_path, 4)
    yield logs
    logs.close()


def test_the_end_of_each_log_is_shown_with_its_rank(tmp_path, logs):
    (tmp_path / "log").write_text("the launcher\n")
    (tmp_path / "log.1").write_text("".join(f"line {number}\n" for number in range(100)))
    tail = logs.tail([0, 1]).splitlines()
    assert tail[:2] == ["Last output of rank 1:", "    line 60"]
    assert tail[-3:] == ["    line 99", "Last output:", "    the launcher"]
    assert ChildLogs(tmp_path / "gone").tail([]) == "It printed nothing."


def test_a_long_line_is_cut_and_a_progress_bar_is_divided(tmp_path, logs):
    (tmp_path / "log").write_bytes(b"x" * MIB + b"\n10 %\r20 %\r\n")
    assert logs.tail([]).splitlines()[-2:] == ["    10 %", "    20 %"]
    assert all(len(line) < 500 for line in logs.tail([]).splitlines())


def test_a_line_is_cut_after_its_control_sequences_are_left_out(tmp_path, logs):
    link = f"\x1b]8;;https://h/{'a' * 450}\x1b\\link\x1b]8;;\x1b\\"
    colours = "\x1b[38;5;196mx\x1b[0m" * 100
    (tmp_path / "log").write_text(f"see {link}\n{colours}\ndisk on fire\n")
    assert logs.tail([]).splitlines()[1:] == [
        "    see link",
        f"    {'x' * 100}",
        "    disk on fire",
    ]


@pytest.mark.parametrize("size", [(64 << 10) - 5, (64 << 10) - 4])
def test_only_the_end_of_a_log_is_kept(tmp_path, logs, size):
    (tmp_path / "log").write_text("a" * size + "\nend\n")
    text = logs.printed_text()
    assert text.endswith("a\nend")
    assert text.startswith("[...] ") is (size > (64 << 10) - 5)
    assert len(text) <= (64 << 10) + 6


def test_the_latest_calls_of_a_long_stack_are_kept_with_what_was_printed_before(tmp_path, logs):
    frames = "".join(f'  File "model.py", line {number} in forward\n' for number in range(80))
    (tmp_path / "log").write_text(
        f"epoch 1\nFatal Python error: Segmentation fault\n\nCurrent thread 0x1:\n{frames}\nmodules\n"
    )
    lines = [line.strip() for line in logs.tail([]).splitlines()]
    assert lines[1] == "epoch 1"
    assert lines[5:7] == [f'File "model.py", line {number} in forward' for number in (0, 1)]
    assert lines[-4:] == ['File "model.py", line 11 in forward', "...", "", "modules"]


def test_files_that_are_not_logs_are_left_out(tmp_path, logs):
    for name in ("logs", "log.txt", "log.1.gz"):
        (tmp_path / name).write_text("no log")
    (tmp_path / "log").symlink_to(tmp_path / "logs")  # that of another process
    os.mkfifo(tmp_path / "log.0")  # nobody writes to it
    (tmp_path / "log.1").mkdir()
    assert logs.printed_text() == ""
    assert logs.tail([0, 1]) == "It printed nothing."
    logs.cut()
    assert (tmp_path / "logs").read_text() == "no log"


@pytest.mark.parametrize(("size", "is_cut"), [(32 * MIB, False), (32 * MIB + 1, True)])
def test_a_large_log_is_cut_while_its_process_appends(tmp_path, logs, size, is_cut):
    with (tmp_path / "log").open("ab") as log:
        log.truncate(size - 4)
        os.write(log.fileno(), b"old\n")
        logs.cut()
        assert logs.total_size() < 70_000 if is_cut else logs.total_size() == size
        os.write(log.fileno(), b"new\n")
    assert logs.printed_text().endswith("old\nnew")


def test_what_was_printed_since_a_moment_is_found_in_the_log_of_its_rank(tmp_path, logs):
    (tmp_path / "log").write_text("before\n")
    (tmp_path / "log.0").write_text("before\n")
    size = logs.total_size()
    assert logs.appended_text(size) == ""
    with (tmp_path / "log.0").open("a") as log:
        log.write("after\n")
    os.utime(tmp_path / "log", ns=(0, 0))  # the clock of a file system may be coarse
    assert logs.appended_text(size) == "after\n"


def test_a_log_is_read_and_cut_though_its_name_is_gone_or_that_of_another_file(tmp_path, logs):
    with logs.created() as log, (tmp_path / "log.0").open("ab") as rank_log:
        logs.find()
        (tmp_path / "log").unlink()
        (tmp_path / "log.0").rename(tmp_path / "moved")
        (tmp_path / "log").write_text("no log")
        (tmp_path / "log.0").write_text("no log")
        for file in (log, rank_log.fileno()):
            os.ftruncate(file, 32 * MIB)
            os.write(file, b"\nlast words\n")
        logs.cut()
        assert [os.fstat(file).st_size for file in (log, rank_log.fileno())] == [64 << 10] * 2
    assert logs.tail([0]).count("    last words") == 2
    assert "no log" not in logs.printed_text()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_workload_cannot_have_more_files_opened_than_its_ranks_make(tmp_path):
    for number in range(100):
        (tmp_path / f"log.{number}").write_text("text")
    before = open_files()
    for ranks in (0, 2):
        logs = ChildLogs(tmp_path, ranks)
        with logs.created():
            pass
        logs.cut()
        assert open_files() == before + 1 + ranks
        logs.close()
        assert logs.printed_text() == ""
        assert open_files() == before
        (tmp_path / "log").unlink()


def test_the_child_cannot_change_how_its_log_is_cut(logs):
    with logs.created() as log:
        fcntl.fcntl(log, fcntl.F_SETFL, 0)
        os.ftruncate(log, 33 * MIB)
        logs.cut()
        assert logs.total_size() == 64 << 10
