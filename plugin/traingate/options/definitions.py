"""Define the options of pytest and their ini keys, and register them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from traingate.controller.scales import DEFAULT_SCALE, SCALES
from traingate.controller.steadying import LEVELS
from traingate.options.settings import (
    DEFAULT_MAX_LAUNCHES,
    DEFAULT_MAX_PAIRS,
    DEFAULT_TOLERANCE,
)
from traingate.options.values import (
    named_path,
    names,
    nonempty,
    one_of,
    percent,
    positive_integer,
    positive_number,
)

_NUMBERS: Final[Mapping[Callable[[str], Any], type]] = {
    positive_integer: int,
    positive_number: float,
    percent: float,
}
"""Types of the numbers in TOML, by the function that parses their text."""

_FIRST_WITH_TOML: Final = (9, 0)
"""First version of pytest that reads values of native types from ``[tool.pytest]``."""

_FIRST_WITH_UNIONS: Final = (9, 2)
"""First version of pytest in which an ini key may be of several types."""


@dataclass(frozen=True)
class Option:
    """Option ``--traingate-NAME``, which is also the ini key ``traingate_NAME``."""

    name: str
    parse: Callable[[str], Any]
    default: Any
    metavar: str
    help: str

    @property
    def is_repeatable(self) -> bool:
        """Return whether it may be given several times, each time with a name and its value."""
        return self.parse is named_path


OPTIONS: Final = (
    Option("scale", one_of(*SCALES), DEFAULT_SCALE, "{smoke,quick,seed}",
            "Size of the measurement (default: quick)."),
    Option("launches", positive_integer, None, "N",
            f"Most launches per test (default: {DEFAULT_MAX_LAUNCHES} while a verdict is open, "
            f"{DEFAULT_MAX_PAIRS} pairs in a duet, else the scale's)."),
    Option("steps", positive_integer, None, "N",
            "Measured steps per launch (default: the scale's, and more where steps are short)."),
    Option("tolerance", percent, DEFAULT_TOLERANCE, "PERCENT",
            "Largest loss of throughput that is let through (default: 5)."),
    Option("on-missing", one_of("fail", "record"), "fail", "{fail,record}",
            "A new test, of which nothing is stored, fails or is recorded (default: fail)."),
    Option("allow-missing", names, frozenset(), "NAMES",
            "Tests that may go without comparison (names with commas between them)."),
    Option("accept", nonempty, None, "REASON",
            "Accept the slowdowns of this run for this reason, which stays in the records."),
    Option("on-inconclusive", one_of("warn", "fail"), "warn", "{warn,fail}",
            "A test whose launches run out before a verdict warns, or fails (default: warn)."),
    Option("steady", one_of(*LEVELS), "full", "{off,threads,full}",
            "How much is done against scatter in duets: nothing (off), threads bound to cores "
            "(threads), and a steadier allocator too (full, the default)."),
    Option("against", nonempty, None, "REF",
            "Compare the working tree with the commit REF by a duet: both are measured in turn."),
    Option("against-python", nonempty, None, "PATH",
            "Compare with another Python by a duet. PATH is its executable or the folder of its "
            "environment; it uses its own packages alone."),
    Option("against-environment", nonempty, None, "NAME",
            "Compare with another environment by a duet, with today's by the name today."),
    Option("environment", named_path, {}, "NAME=PATH",
            "Environment of this name: its Python, or its folder. May be repeated. A stack of a "
            "layer that needs the environment ipex or xla runs there where today's lacks it."),
    Option("anchor", nonempty, None, "REF",
            "Compare with the commit REF too, so that small losses do not add up unseen (default: "
            "the newest tag or accepted record, if it is stored; none for no anchor)."),
    Option("anchor-tolerance", percent, None, "PERCENT",
            "Largest loss since the anchor that is let through (default: the tolerance)."),
    Option("base-setup", nonempty, None, "COMMAND",
            "Shell command that prepares the tree of a base commit, as by building an extension."),
    Option("require", names, frozenset(), "NAMES",
            "Layers, or extras, that must run (names with commas between them): a test that lacks "
            "one fails instead of being skipped."),
    Option("timeout", positive_number, None, "SECONDS",
            "Longest time for any one answer of a worker, and for the setup of a base (default: "
            "120 for the start, 1200 for the first step, 600 for any other answer, 1800 for a "
            "setup)."),
    Option("price", positive_number, None, "USD_PER_HOUR",
            "Price of this machine, for samples per dollar."),
    Option("html", nonempty, None, "PATH",
            "Write the report as one page that works offline, with the history of the storage."),
    Option("markdown", nonempty, None, "PATH",
            "Write the results as Markdown, as a job of GitHub Actions has them in its summary by "
            "itself."),
    Option("json", nonempty, None, "PATH",
            "Write the verdicts and their causes as JSON, for tools."),
    Option("profile", str, None, "DIR",
            "Profile each test, and write traces, tables and a flame graph to DIR."),
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Register the options, and an ini key with underscores for each."""
    group = parser.getgroup("traingate", "traingate: training throughput on CPUs")
    for option in OPTIONS:
        group.addoption(
            f"--traingate-{option.name}",
            action="append" if option.is_repeatable else "store",
            type=option.parse,
            metavar=option.metavar,
            help=option.help,
        )
        key = f"traingate_{option.name.replace('-', '_')}"
        parser.addini(key, option.help, type=_ini_type(option), default=None)


def _ini_type(option: Option) -> Any:
    """Return the type by which pytest reads an ini key.

    In ``[tool.pytest]`` a number may be a number or a text, and a list of names is an array. All
    other files hold texts.
    """
    if option.is_repeatable:
        return "linelist"
    if option.parse is names:
        return "args"
    number = _NUMBERS.get(option.parse)
    version = pytest.version_tuple[:2]
    if number is None or version < _FIRST_WITH_TOML:
        return None
    return str | number if version >= _FIRST_WITH_UNIONS else number.__name__
