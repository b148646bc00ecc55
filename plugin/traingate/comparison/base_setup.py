"""Prepare the tree of a base commit by the user's command: build an extension, generate a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Final

from traingate.controller.command import LAUNCH_TAG
from traingate.controller.orphans import OrphanGuard
from traingate.controller.tagged_processes import kill_tagged
from traingate.environments.answers import ask_program
from traingate.environments.interpreter import PROBE_SECONDS, Interpreter, child_environment
from traingate.errors import ConfigurationError
from traingate.report.terminal_text import terminal_text
from traingate.untrusted.clock import monotonic, wait_for_exit
from traingate.untrusted.masking import masked_text
from traingate.untrusted.output_end import cut_output, end_of_output
from traingate.untrusted.paths import is_folder

_CHECK_SECONDS: Final = 1.0
"""Interval at which the size of the command's output is checked."""

_OUTPUT_LINES: Final = 40
"""Number of lines shown from the end of the command's output."""

_PACKAGE_RECORDS: Final = frozenset({".dist-info", ".egg-info", ".egg-link", ".pth"})
"""Suffixes of the entries that pip changes when it installs or removes a package. Imports change
other entries, in which they store compiled code."""


def prepare_base_tree(
    command: str,
    folder: Path,
    interpreter: Interpreter | None,
    seconds: float,
    *,
    is_shared: bool,
) -> None:
    """Run *command* in the tree of a base commit.

    Args:
        command: Command for the shell.
        folder: Folder to run it in.
        interpreter: Interpreter of the base, whose programs come first on PATH; None for the
            running one.
        seconds: Longest time that it may take.
        is_shared: Whether the candidate uses this interpreter too.

    Raises:
        ConfigurationError: If it fails or takes longer, or if it changes the packages of an
            interpreter that the candidate uses too.
    """
    packages_before = _installed_packages(interpreter) if is_shared else None
    shown_command = repr(masked_text(command))
    try:
        with tempfile.TemporaryFile() as output:
            fcntl.fcntl(output, fcntl.F_SETFL, os.O_APPEND)  # so that it can be cut
            ending = _run(command, folder, interpreter, seconds, output)
            printed = _shown_end(output)
    except OSError as error:
        raise ConfigurationError(
            f"--traingate-base-setup: {shown_command} cannot be run in the base's tree: {error}"
        ) from error
    if ending is not None:
        raise ConfigurationError(
            f"--traingate-base-setup: {shown_command} {ending} in the base's tree, {folder}.\n"
            f"Last output:\n{printed}"
        )
    if packages_before is not None and packages_before != _installed_packages(interpreter):
        raise ConfigurationError(
            f"--traingate-base-setup: {shown_command} has changed the packages of this environment,"
            " which the candidate uses too. Build inside the base's tree, or give the base an "
            "environment of its own by --traingate-against-python. First install the working tree "
            "again."
        )


def _shown_end(output: IO[bytes]) -> str:
    """Return the last lines of the command's output, indented."""
    end, _ = end_of_output(output.fileno())
    # Cleaned first, since a colour may precede a token.
    printed = masked_text(terminal_text(end.decode(errors="replace")))
    lines = printed.splitlines()[-_OUTPUT_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    It printed nothing."


def _run(
    command: str, folder: Path, interpreter: Interpreter | None, seconds: float, output: IO[bytes]
) -> str | None:
    """Run the command; return None if it succeeds, else its end as the verb phrase of a sentence.

    Whatever it has started ends with it, also if this process is interrupted or killed.
    """
    tag = f"setup of {folder}"
    start_time = time.time()
    process: subprocess.Popen[bytes] | None = None
    guard: OrphanGuard | None = None
    try:
        process = subprocess.Popen(  # noqa: S602 - the user's own command, which is for the shell
            command,
            shell=True,
            cwd=folder,
            env={**child_environment(interpreter), LAUNCH_TAG: tag},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that it and its children can be killed together
        )
        guard = OrphanGuard(process.pid, tag, None)
        code = _exit_status(process, seconds, output.fileno())
    finally:
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        kill_tagged(tag, start_time)  # the command too if a signal came before its number was known
        if guard is not None:
            guard.close()
    if code is None:
        return f"took longer than {seconds:g} s (see --traingate-timeout), and was ended,"
    return f"failed with exit status {code}" if code else None


def _exit_status(process: subprocess.Popen[bytes], seconds: float, output: int) -> int | None:
    """Wait for the end of the command, and return its exit status; None if it takes longer.

    Meanwhile its output is cut to its end if it has become long.
    """
    deadline = monotonic() + seconds
    while True:
        remaining = deadline - monotonic()
        code = wait_for_exit(process, min(remaining, _CHECK_SECONDS))
        if code is not None or remaining <= _CHECK_SECONDS:
            return code
        with contextlib.suppress(OSError):  # of a full disk
            cut_output(output)


_PACKAGE_FOLDERS: Final = """
import json, site, sysconfig
folders = [*site.getsitepackages(), *map(sysconfig.get_path, ("purelib", "platlib"))]
if site.ENABLE_USER_SITE:
    folders.append(site.getusersitepackages())
print(json.dumps(folders))
"""
"""Program that prints the folders that pip installs to: that of the user if that of the interpreter
is not writable. Either may be missing until something is installed there."""


def _installed_packages(interpreter: Interpreter | None) -> dict[str, int]:
    """Return the metadata entries of an interpreter's packages, with their times of change.

    Raises:
        ConfigurationError: If the interpreter does not run.
    """
    python = interpreter.python if interpreter else sys.executable
    failure = f"{python} cannot tell where its packages are"
    folders = ask_program(
        [python, "-c", _PACKAGE_FOLDERS],
        list[str],
        seconds=PROBE_SECONDS,
        environment=child_environment(interpreter),
        failure=failure,
    )
    try:
        return {
            str(entry): _change_time(entry)
            for folder in map(Path, dict.fromkeys(folders))
            if is_folder(folder)
            for entry in folder.iterdir()
            if entry.suffix in _PACKAGE_RECORDS
        }
    except OSError as error:
        raise ConfigurationError(f"{failure}: {error}") from error


def _change_time(entry: Path) -> int:
    """Return the time of the last change of a file or folder, in nanoseconds; 0 of a dead link."""
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
