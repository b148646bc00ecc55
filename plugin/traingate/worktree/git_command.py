"""Run the git command.

All access to repositories goes through it: a user who has a repository has git too, and git
supports all of its own storage formats and settings.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.untrusted.bounded_command import GroupObserver, LongOutputError, run_bounded
from traingate.untrusted.masking import masked_text

_LEFT_OUT_VARIABLES: Final = {
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_NAMESPACE", "GIT_PREFIX", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE",
    "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
}  # fmt: skip
"""Variables that git sets for its hooks, and those that change what a pattern means. If pytest runs
in a hook, each command would use the hook's repository instead of the one in its folder."""

_OWN_VARIABLES: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    # An interrupted command that only reads leaves no lock file behind.
    "GIT_OPTIONAL_LOCKS": "0",
    # A commit is read as its hash says, whatever `git replace` shows in its place.
    "GIT_NO_REPLACE_OBJECTS": "1",
    # The same of its parents, whatever .git/info/grafts says.
    "GIT_GRAFT_FILE": os.devnull,
}
"""Variables that each command gets."""

_SETTINGS: Final = (
    "-c", "color.grep=false", "-c", "log.showSignature=false", "-c", "submodule.recurse=false",
)  # fmt: skip
"""Settings in the place of the user's, which would change the output that is read."""

_LONGEST_SECONDS: Final = 1800.0
"""Longest time of a command. One that asks a server, or a filter that does, may never end."""

_NO_ANSWER: Final = 124
"""Exit status in the place of git's if the time is over, as that of timeout(1)."""


def git_output(folder: Path, *arguments: str) -> str | None:
    """Return the stripped output of a git command, None if it fails or git is not installed."""
    try:
        process = run_git(folder, *arguments)
    except OSError:
        return None
    return process.stdout.strip() if process.returncode == 0 else None


def checked_git(
    folder: Path, *arguments: str, empty_status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run git as ``run_git`` does, for an answer that git must not fail to give.

    A failure that is taken for an empty answer would look as if nothing were to be compared.

    Args:
        folder: Folder to run it in.
        arguments: Arguments of git.
        empty_status: Exit status by which the command says no, or that there is nothing to print.

    Raises:
        ConfigurationError: If git fails, or is not installed.
    """
    try:
        process = run_git(folder, *arguments)
    except OSError as error:
        raise ConfigurationError(f"git does not run: {error}") from error
    if process.returncode not in {0, empty_status}:
        reason = masked_text(process.stderr.strip())
        raise ConfigurationError(f"git {arguments[0]} failed in {folder}: {reason}")
    return process


def run_git(
    folder: Path, *arguments: str, on_change: GroupObserver | None = None
) -> subprocess.CompletedProcess[str]:
    """Run git in *folder* without prompts; if interrupted, kill it and all processes it started.

    A command that takes longer than half an hour, or prints more than is read, is killed too, and
    fails with that reason.

    Args:
        folder: Folder to run it in.
        arguments: Arguments of git.
        on_change: Function that is called when git has started, and when it has ended.

    Raises:
        OSError: If git is not installed.
    """
    command = ("git", *_SETTINGS, "-C", str(folder), *arguments)
    try:
        return run_bounded(
            command,
            _LONGEST_SECONDS,
            environment=git_environment(),
            errors="surrogateescape",  # names and contents of files may be any bytes
            on_change=on_change,
        )
    except subprocess.TimeoutExpired:
        reason = f"git gave no answer within {_LONGEST_SECONDS:g} s, and was ended"
    except LongOutputError as error:
        reason = f"git was ended: {error}"
    return subprocess.CompletedProcess(command, _NO_ANSWER, "", reason)


def git_environment() -> dict[str, str]:
    """Return our environment variables for git, but those that change what its commands mean.

    Its language stays the user's: filters inherit it, and nothing that git translates is parsed.
    """
    variables = {
        name: value for name, value in os.environ.items() if name not in _LEFT_OUT_VARIABLES
    }
    return {**variables, **_OWN_VARIABLES}
