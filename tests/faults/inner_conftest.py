"""The ``conftest.py`` of the projects in which faults happen: it notes what each test leaves."""

import contextlib
import json
import os
import re
import zlib
from pathlib import Path

import pytest

RUN = os.environ["TRAINGATE_TEST_RUN"].encode()
TEMPORARY = os.environ["TMPDIR"]
reports = {}


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


SHARED_BYTES = 1_000_000 + zlib.crc32(RUN) % 1_000_000
"""Size of the shared memory that workloads of this run take (meddling.py)."""


OF_THE_SESSION = ("traingate-session-", "traingate-base-")
"""Starts of the names of folders that stay until the end of the session."""


def shared_files():
    """Return the shared memory that workloads of this run have left."""
    files = []
    for file in Path("/dev/shm").iterdir():  # noqa: S108
        with contextlib.suppress(FileNotFoundError):  # another run may remove its own
            if file.stat().st_size == SHARED_BYTES:
                files.append(str(file))
    return files


def launched_processes():
    """Return the command lines of processes of launches, and of what these have started."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        command, environment = read(folder / "cmdline"), read(folder / "environ")
        is_ours = RUN in environment or RUN in command or TEMPORARY.encode() in command
        has_tag = re.search(rb"(^|\0)TRAINGATE_LAUNCH=", environment)
        is_child_of_launch = has_tag or RUN in command or b"worker/" in command
        if is_ours and is_child_of_launch:
            lines.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return lines


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        folders = [path.name for path in Path(TEMPORARY).iterdir()]
        reports[item.name] = {
            "outcome": report.outcome,
            "text": str(report.longrepr or ""),
            "printed": report.capstdout,
            "seconds": report.duration,
            "processes": launched_processes(),
            "folders": [
                *(name for name in folders if not name.startswith(OF_THE_SESSION)),
                *shared_files(),
            ],
        }
    return report


def pytest_unconfigure():
    status = dict(
        line.split(":", 1) for line in read(Path("/proc/self/status")).decode().splitlines()
    )
    peak = 1024 * int(status["VmHWM"].split()[0])
    Path("reports.json").write_text(json.dumps({"tests": reports, "peak_bytes": peak}))
