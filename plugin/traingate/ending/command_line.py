"""Tell what a run is asked for: a comparison, layers that must run, or only a list.

pytest's own parser reads it, so that every spelling counts that pytest takes. A command line is
read without the options that ``addopts`` and ``PYTEST_ADDOPTS`` add to it.
"""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from traingate.untrusted.files import read_bounded

GATE_OPTIONS: Final = (
    "benchmark_compare",
    "traingate_against",
    "traingate_against_python",
    "traingate_against_environment",
    "traingate_require",
)
"""Options that ask for a comparison, or for layers that must run, as attributes of the parsed
options; those of traingate are ini keys too."""

GATE_KEYS: Final = tuple(name for name in GATE_OPTIONS if name.startswith("traingate"))
"""Ini keys that ask for the same."""

LAYER_OPTION: Final = "traingate_require"
"""One of ``GATE_OPTIONS``, which asks for layers; the others ask for a comparison."""

_LISTING_OPTIONS: Final = (
    "help", "version", "collectonly", "showfixtures", "show_fixtures_per_test", "markers",
    "cacheshow",
)  # fmt: skip
"""Options with which pytest prints something, and runs no test."""

_VERSIONS_TO_LIST: Final = 2 if pytest.version_tuple >= (9,) else 1
"""Number of ``--version`` with which pytest runs no test; pytest 9 ignores one in a file of
arguments."""

_MAX_ARGUMENT_BYTES: Final = 64 << 20
"""Largest file of arguments that is read. pytest itself has read all of it; a list of 100,000 tests
takes a tenth of that."""


@dataclass(frozen=True)
class CommandLine:
    """Requests of a command line.

    Attributes:
        asks: True for a comparison, or a layer that must run.
        listing_options: Options with which pytest prints something, and runs no test.
        is_unknown: True if it is only possible that it asks: a file of its arguments could not be
            read a second time.
    """

    asks: bool
    listing_options: tuple[str, ...] = ()
    is_unknown: bool = False

    def requests_listing(self, config: pytest.Config) -> bool:
        """Return whether a person has asked pytest for a list, and pytest prints one.

        A comparison on the same command line is a contradiction, and no such request.
        """
        in_force = _listing_options(config.option)
        return not self.asks and any(name in in_force for name in self.listing_options)


def runs_no_test(options: Namespace) -> bool:
    """Return whether pytest prints something, and runs no test, with these parsed options."""
    return bool(_listing_options(options))


def read_command_line(config: pytest.Config, parser: pytest.Parser) -> CommandLine:
    """Return what the command line of a run asks for.

    If its files of arguments cannot be read a second time, they may have asked for a comparison. If
    it cannot be parsed without ``addopts``, it is not taken for a request to list anything; whether
    it asks for a comparison is known from all options.

    Args:
        config: Configuration of the run, of which only the command line is read.
        parser: Parser that knows the options of all plugins but the first conftest files.
    """
    arguments = [os.fspath(argument) for argument in config.invocation_params.args]
    if not _is_readable(arguments):
        return CommandLine(asks=True, is_unknown=True)
    try:
        options = parser.parse_known_args(arguments)
        return CommandLine(_asks(options, parser), _listing_options(options))
    except (pytest.UsageError, ValueError):  # a required option in addopts, or an open quote
        return CommandLine(asks=False)
    except RecursionError:  # a file of arguments that names itself in an override of addopts
        return CommandLine(asks=True, is_unknown=True)


def _asks(options: Namespace, parser: pytest.Parser) -> bool:
    """Return whether options ask for a comparison or a layer, or override ini keys so that they do.

    Raises:
        UsageError: If an override of ``addopts`` has invalid options.
        ValueError: If one has a quote that does not end.
    """
    if any(getattr(options, name, None) for name in GATE_OPTIONS):
        return True
    for override in options.override_ini or ():
        key, _, value = override.partition("=")
        if key in GATE_KEYS and value:
            return True
        if key == "addopts" and _asks(parser.parse_known_args(shlex.split(value)), parser):
            return True
    return False


def _listing_options(options: Namespace) -> tuple[str, ...]:
    """Return those of parsed options with which pytest prints something, and runs no test."""
    names = [name for name in _LISTING_OPTIONS if getattr(options, name, None)]
    if "version" in names and options.version < _VERSIONS_TO_LIST:
        names.remove("version")
    return tuple(names)


def _is_readable(arguments: Iterable[str]) -> bool:
    """Return whether all files that arguments name by ``@``, there too, can be read again.

    A FIFO, such as a shell's ``<(...)``, is empty when pytest has read it, or waits for a writer.
    """
    for argument in arguments:
        if argument.startswith("@"):
            try:
                content = read_bounded(Path(argument[1:]), _MAX_ARGUMENT_BYTES)
                lines = content.decode().splitlines()
            except (OSError, ValueError):  # or it has changed since
                return False
            if not _is_readable(lines):
                return False
    return True


def requested_options(config: pytest.Config, options: Namespace) -> dict[str, object]:
    """Return those of ``GATE_OPTIONS`` that are given, with their values.

    Args:
        config: Configuration of the run, of which the ini keys are read.
        options: Parsed options: those that are known early, or those in force.
    """
    values = {
        name: getattr(options, name, None) or (name in GATE_KEYS and _ini_value(config, name))
        for name in GATE_OPTIONS
    }
    return {name: value for name, value in values.items() if value}


def _ini_value(config: pytest.Config, key: str) -> object:
    """Return the value of an ini key; True if it is invalid, which is refused later."""
    try:
        return config.getini(key)
    except (TypeError, ValueError, pytest.UsageError):
        return True


def names_in(value: object) -> frozenset[str]:
    """Return the names in a value of ``--traingate-require``, or of its ini key."""
    if not isinstance(value, str | Iterable):  # an invalid value of the ini key
        return frozenset()
    texts = [value] if isinstance(value, str) else map(str, value)
    return frozenset(name for text in texts for name in text.replace(",", " ").split())
