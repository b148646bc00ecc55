"""Define ``traingate profile``: profile one test, and show where the time of its steps goes."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import NoReturn

import click

from traingate.commands.output import (
    NO_RESULT,
    complain,
    exit_without_result,
    print_json,
    print_text,
)
from traingate.commands.shared_options import format_option
from traingate.ending.termination import signal_status
from traingate.errors import ConfigurationError
from traingate.report.explanation import summary
from traingate.report.profile_table import profile_lines
from traingate.report.profiles import ProfileFile, read_profiles


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("test")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("traingate-profile"),
    show_default=True,
    help="Folder for traces, tables and flame graphs.",
)
@click.option("--against", metavar="REF", help="Commit to compare with, by a duet.")
@format_option("Form of the tables.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def profile(
    test: str, output: Path, against: str | None, form: str, pytest_arguments: tuple[str, ...]
) -> None:
    """Profile TEST, and show where the time of its steps goes.

    TEST is the full name of a test, as pytest takes it. Further arguments go to pytest. With
    --against, both sides of a duet are profiled, and the tables show the difference. Traces may
    hold names of your functions and paths of your files; they stay on this machine. Exit status:
    0 profiled, 1 slower than the commit, 2 not profiled (143 by SIGTERM).
    """
    try:
        files, exit_code = run_profiled(test, output, against, pytest_arguments)
        contents = [read_profiles(file) for file in files]
    except ConfigurationError as error:
        exit_without_result(error)
    if not files:
        exit_without_profile(f"{test} was not profiled.", exit_code)
    for file, content in zip(files, contents, strict=True):
        show(content, form, file.parent)
    check_end(exit_code)
    sys.exit(1 if exit_code == 1 and against else 0)


def run_profiled(
    test: str, output: Path, against: str | None, arguments: tuple[str, ...]
) -> tuple[list[Path], int]:
    """Run pytest with profiles, its own output on standard error.

    Args:
        test: Full name of the test, or of several tests.
        output: Folder for the profiles.
        against: Commit to compare with; None for none.
        arguments: Further arguments for pytest.

    Returns:
        Files of the tests' tables that this run has written, and the exit code of pytest.

    Raises:
        ConfigurationError: If *output* can be no folder.
    """
    import pytest  # noqa: PLC0415 - the other commands do without it

    output = output.absolute()  # a test may change the working directory
    before = _modification_times(output)
    duet = [f"--traingate-against={against}"] if against else []
    command = [test, f"--traingate-profile={output}", "-p", "no:cacheprovider", *duet, *arguments]
    with contextlib.redirect_stdout(sys.stderr):
        exit_code = pytest.main(command)
    after = _modification_times(output)
    return [file for file, time in after.items() if before.get(file) != time], int(exit_code)


def exit_without_profile(problem: str, exit_code: int) -> NoReturn:
    """Print a problem, and end a command that has no profile.

    Args:
        problem: The problem.
        exit_code: Exit code of pytest.
    """
    complain(problem)
    sys.exit(signal_status(exit_code) or NO_RESULT)


def check_end(exit_code: int) -> None:
    """End the command if pytest was interrupted, or has failed itself.

    Args:
        exit_code: Exit code of pytest.
    """
    if exit_code not in {0, 1}:
        sys.exit(signal_status(exit_code) or NO_RESULT)


def show(content: ProfileFile, form: str, folder: Path) -> None:
    """Print the tables of one test.

    Args:
        content: Profiles of the test.
        form: ``text`` or ``json``.
        folder: Folder with the files of the test.
    """
    if form == "json":
        print_json(content)
        return
    print_text(content.test)
    if content.explanation is not None:
        print_text("\n".join(summary(content.explanation)))
    else:
        print_text("\n".join(profile_lines(content.candidate)))
    print_text(f"  files     {folder}")


def _modification_times(folder: Path) -> dict[Path, int]:
    """Return the time at which each test's table in a folder was written; none if it is missing."""
    times = {}
    try:
        for entry in sorted(folder.iterdir()):  # from Python 3.13 on, Path.glob passes over errors
            file = entry / "profile.json"
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                times[file] = file.stat().st_mtime_ns
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ConfigurationError(f"--output: {folder} cannot be read: {error}") from error
    return times
