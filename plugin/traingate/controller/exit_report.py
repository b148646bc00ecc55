"""Describe how a child ended, by its exit status, and read what it printed."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_LOG_LINES: Final = 20
"""Number of lines shown from the end of each log."""

_LOG_NAME: Final = re.compile(r"log(\.\d+)?")

_MAX_OUTPUT_BYTES: Final = 64 << 10
"""Largest part of a log that is kept of a child that has ended: its end."""


def describe_exit(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Return how *process* ended, as the verb phrase of a sentence.

    Do not use it for a launcher, whose status says nothing about the program that it started:
    run_cpu always exits with 0.

    Args:
        process: Process that has ended or is about to.
        seconds: Longest wait for its end.
    """
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return "closed its connection"
    if code >= 0:
        return f"exited with status {code}"
    name = signal.Signals(-code).name
    cause = " (by a person, or by the kernel for lack of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{cause}"


def log_tail(directory: Path, ranks: Iterable[int]) -> str:
    """Return the last lines that ranks and their launcher printed.

    Args:
        directory: Private directory of the child. It has the file ``log`` of the launcher, or of a
            child without one, and for a group a file ``log.N`` of each rank N.
        ranks: Ranks whose logs to show, before the file ``log``.
    """
    output_lines: list[str] = []
    for name in (*(f"log.{rank}" for rank in ranks), "log"):
        try:
            lines = (directory / name).read_text(errors="replace").splitlines()[-_LOG_LINES:]
        except OSError:
            continue
        if lines:
            _, _, rank = name.partition(".")
            source = f" of rank {rank}" if rank else ""
            output_lines += [f"Last output{source}:", *(f"    {line}" for line in lines)]
    return "\n".join(output_lines) or "It printed nothing."


def printed_text(directory: Path) -> str:
    """Return the text that a child and its ranks printed, of long logs the end; empty if nothing.

    Args:
        directory: Private directory of the child, as for ``log_tail``.
    """
    texts = []
    # The directory is also that of the child's temporary files.
    for log in sorted(file for file in directory.glob("log*") if _LOG_NAME.fullmatch(file.name)):
        content = log.read_bytes()
        text = content[-_MAX_OUTPUT_BYTES:].decode(errors="replace").strip("\n")
        if text:
            texts.append(f"[...] {text}" if len(content) > _MAX_OUTPUT_BYTES else text)
    return "\n".join(texts)
