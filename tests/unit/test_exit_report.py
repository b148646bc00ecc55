import os

import pytest

from traingate.controller.exit_report import (
    appended_text,
    cut_logs,
    log_sizes,
    log_tail,
    printed_text,
)

MIB = 1 << 20


def test_the_end_of_each_log_is_shown_with_its_rank(tmp_path):
    (tmp_path / "log").write_text("the launcher\n")
    (tmp_path / "log.1").write_text("".join(f"line {number}\n" for number in range(100)))
    tail = log_tail(tmp_path, [0, 1]).splitlines()
    assert tail[:2] == ["Last output of rank 1:", "    line 60"]
    assert tail[-3:] == ["    line 99", "Last output:", "    the launcher"]
    assert log_tail(tmp_path / "gone", []) == "It printed nothing."


def test_a_long_line_is_cut_and_a_progress_bar_is_divided(tmp_path):
    (tmp_path / "log").write_bytes(b"x" * MIB + b"\n10 %\r20 %\r\n")
    assert log_tail(tmp_path, []).splitlines()[-2:] == ["    10 %", "    20 %"]
    assert all(len(line) < 500 for line in log_tail(tmp_path, []).splitlines())


def test_a_line_is_cut_after_its_control_sequences_are_left_out(tmp_path):
    link = f"\x1b]8;;https://h/{'a' * 450}\x1b\\link\x1b]8;;\x1b\\"
    colours = "\x1b[38;5;196mx\x1b[0m" * 100
    (tmp_path / "log").write_text(f"see {link}\n{colours}\ndisk on fire\n")
    assert log_tail(tmp_path, []).splitlines()[1:] == [
        "    see link",
        f"    {'x' * 100}",
        "    disk on fire",
    ]


@pytest.mark.parametrize("size", [(64 << 10) - 5, (64 << 10) - 4])
def test_only_the_end_of_a_log_is_kept(tmp_path, size):
    (tmp_path / "log").write_text("a" * size + "\nend\n")
    text = printed_text(tmp_path)
    assert text.endswith("a\nend")
    assert text.startswith("[...] ") is (size > (64 << 10) - 5)
    assert len(text) <= (64 << 10) + 6


def test_the_latest_calls_of_a_long_stack_are_kept_with_what_was_printed_before(tmp_path):
    frames = "".join(f'  File "model.py", line {number} in forward\n' for number in range(80))
    (tmp_path / "log").write_text(
        f"epoch 1\nFatal Python error: Segmentation fault\n\nCurrent thread 0x1:\n{frames}\nmodules\n"
    )
    lines = [line.strip() for line in log_tail(tmp_path, []).splitlines()]
    assert lines[1] == "epoch 1"
    assert lines[5:7] == [f'File "model.py", line {number} in forward' for number in (0, 1)]
    assert lines[-4:] == ['File "model.py", line 11 in forward', "...", "", "modules"]


def test_files_that_are_not_logs_are_left_out(tmp_path):
    for name in ("logs", "log.txt", "log.1.gz"):
        (tmp_path / name).write_text("no log")
    (tmp_path / "log").symlink_to(tmp_path / "logs")  # that of another process
    os.mkfifo(tmp_path / "log.0")  # nobody writes to it
    (tmp_path / "log.1").mkdir()
    assert printed_text(tmp_path) == ""
    assert log_tail(tmp_path, [0, 1]) == "It printed nothing."
    cut_logs(tmp_path)
    assert (tmp_path / "logs").read_text() == "no log"


@pytest.mark.parametrize(("size", "is_cut"), [(32 * MIB, False), (32 * MIB + 1, True)])
def test_a_large_log_is_cut_while_its_process_appends(tmp_path, size, is_cut):
    with (tmp_path / "log").open("ab") as log:
        log.truncate(size - 4)
        os.write(log.fileno(), b"old\n")
        cut_logs(tmp_path)
        assert log_sizes(tmp_path) < 70_000 if is_cut else log_sizes(tmp_path) == size
        os.write(log.fileno(), b"new\n")
    assert printed_text(tmp_path).endswith("old\nnew")


def test_what_was_printed_since_a_moment_is_found_in_the_log_of_its_rank(tmp_path):
    (tmp_path / "log").write_text("before\n")
    (tmp_path / "log.0").write_text("before\n")
    size = log_sizes(tmp_path)
    assert appended_text(tmp_path, size) == ""
    with (tmp_path / "log.0").open("a") as log:
        log.write("after\n")
    os.utime(tmp_path / "log", ns=(0, 0))  # the clock of a file system may be coarse
    assert appended_text(tmp_path, size) == "after\n"
