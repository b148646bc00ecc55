"""Refuse what would end a run before its first test, or hide failures: exits and blocked parts."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from typing import Final

import pytest

from traingate.ending.command_line import CommandLine, read_command_line, requested_options

REQUESTED_KEY: Final[pytest.StashKey[Mapping[str, object]]] = pytest.StashKey()
"""Key of those of ``GATE_OPTIONS`` that were given before any conftest file was loaded, with their
values."""

COMMAND_LINE_KEY: Final[pytest.StashKey[CommandLine]] = pytest.StashKey()
"""Key of what the command line asks for; missing if a conftest file has loaded traingate."""

IS_PARSED_KEY: Final[pytest.StashKey[bool]] = pytest.StashKey()
"""Key that is there once pytest has read the command line: what exits later is seen by others."""

_EXPLANATION: Final = (
    "a comparison was asked for, and a conftest file or a plugin called sys.exit() while it was "
    "loaded, or has an option that does, so that no test would run."
)


def ends_with_zero(status: object) -> bool:
    """Return whether Python ends with exit status 0 if it is given *status*.

    The operating system keeps the lowest eight bits of a number, and Python takes None for 0.
    """
    if isinstance(status, int):
        return status % 256 == 0
    return status is None or status == 0


def refuse_blocked_parts(config: pytest.Config, names: Sequence[str]) -> None:
    """Refuse a run without one of the plugins that see its failures.

    Args:
        config: Configuration of the run.
        names: Names of the plugins.

    Raises:
        pytest.UsageError: If ``-p no:NAME`` was given for one of them.
    """
    for name in names:
        if config.pluginmanager.is_blocked(name):
            raise pytest.UsageError(
                f"-p no:{name} turns off a part of traingate, without which failures could pass "
                "unseen. Pass -p no:traingate to turn off all of it."
            )


def refuse_early_exit(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, None, None]:
    """Fail a run that asks for a comparison if Python is to exit with status 0 before it has begun.

    Around this generator pytest loads the first conftest files. Their options are read afterwards,
    and one of them may exit too, as argparse's action ``version`` does; pytest then cleans up.

    Args:
        early_config: Configuration of the run, before all options are known.
        parser: Parser of the options.

    Raises:
        pytest.UsageError: When pytest cleans up, if a conftest file, a plugin that one of them
            loads, or an option of theirs exits.
    """
    command_line = read_command_line(early_config, parser)
    early_config.stash[COMMAND_LINE_KEY] = command_line
    requested = requested_options(early_config, early_config.known_args_namespace)
    early_config.stash[REQUESTED_KEY] = requested

    def refuse_exit() -> None:
        error = sys.exc_info()[1]
        is_parsed = early_config.stash.get(IS_PARSED_KEY, False)
        if not is_parsed and isinstance(error, SystemExit) and ends_with_zero(error.code):
            raise pytest.UsageError(_EXPLANATION) from error

    if command_line.asks or requested:
        early_config.add_cleanup(refuse_exit)
    return (yield)
