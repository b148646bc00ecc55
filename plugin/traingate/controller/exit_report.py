"""How a child ended, in words: its status, and the last it printed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_LOG_LINES: Final = 20


def describe_exit(process: subprocess.Popen[bytes], seconds: float) -> str:
    """How ``process`` ended, where it does within ``seconds``.

    A launcher's status says nothing of the child: run_cpu exits with 0 whatever happened.
    """
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return "closed its connection"
    if code >= 0:
        return f"exited with status {code}"
    name = signal.Signals(-code).name
    why = " (by a person, or by the kernel for want of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{why}"


def log_tail(directory: Path, ranks: Iterable[int]) -> str:
    """The end of what the ranks and their launcher printed.

    Args:
        directory: of the meeting: the launcher's ``log``, and ``log.N`` of rank N, which only
            the ranks of a group have.
        ranks: whose logs to show beside the launcher's.
    """
    told = []
    for name in (*(f"log.{rank}" for rank in ranks), "log"):
        try:
            lines = (directory / name).read_text(errors="replace").splitlines()[-_LOG_LINES:]
        except OSError:
            continue
        if lines:
            _, _, rank = name.partition(".")
            who = f"rank {rank}" if rank else "it"
            told += [f"The last {who} printed:", *(f"    {line}" for line in lines)]
    return "\n".join(told) or "It printed nothing."
