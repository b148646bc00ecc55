"""Kill processes of a measurement from outside, while the test that they belong to waits."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_SECONDS = 30.0


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _children(script: str) -> list[int]:
    """Return the children of this process that run *script*, in the order of their start."""
    starts = []
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _read(folder / "stat").rpartition(")")[2].split()  # from the state on, see proc(5)
        is_child = fields[1:2] == [str(os.getpid())]
        if is_child and f"worker/{script}" in _read(folder / "cmdline"):
            starts.append((int(fields[19]), int(folder.name)))
    return [pid for _, pid in sorted(starts)]


def _is_stopped(pid: int) -> bool:
    return _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[:1] == ["T"]


def a_stopped_worker() -> int | None:
    """Return a worker that is stopped."""
    return next(filter(_is_stopped, _children("main.py")), None)


def the_next_worker() -> int | None:
    """Return the younger of two workers, which waits for its turn while the other steps."""
    workers = _children("main.py")
    if len(workers) == 2 and _is_stopped(workers[1]) and not _is_stopped(workers[0]):
        return workers[1]
    return None


def the_yardstick_beside_a_worker() -> int | None:
    """Return the process of the yardstick while a worker waits for it."""
    return _children("yardstick.py")[0] if a_stopped_worker() else None


@contextlib.contextmanager
def killing(find: Callable[[], int | None]) -> Iterator[None]:
    """Kill the process that *find* returns, as soon as there is one."""
    ended = threading.Event()

    def kill() -> None:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and not ended.wait(0.005):
            pid = find()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
