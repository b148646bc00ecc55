"""Ask a Python interpreter that the user has named, which may be anything."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import TypeVar

from traingate.errors import ConfigurationError
from traingate.untrusted.bounded_command import run_bounded

_T = TypeVar("_T")


def ask_program(
    command: Sequence[str],
    kind: type[_T],
    *,
    seconds: float,
    environment: Mapping[str, str],
    failure: str,
    question: str = "",
) -> _T:
    """Return what a program prints as JSON.

    Args:
        command: Program and its arguments.
        kind: Type of the answer.
        seconds: Longest time that it may take; then all that it has started is killed.
        environment: Environment variables.
        failure: Start of the message of an error, a sentence without its reason.
        question: Text for its standard input.

    Raises:
        ConfigurationError: If it cannot be started, fails, takes longer, or prints anything else.
    """
    import msgspec  # noqa: PLC0415 - not in runs of pytest that ask no program

    try:
        process = run_bounded(command, seconds, environment=environment, question=question)
        if process.returncode:
            last_line = (process.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise ConfigurationError(f"{failure}: exit status {process.returncode}, {last_line}")
        return msgspec.convert(json.loads(process.stdout), kind)
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"{failure}: it timed out after {seconds:g} s") from error
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{failure}: its answer is another one: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{failure}: {error}") from error
