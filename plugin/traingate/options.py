"""Parse options, ini keys and marker once, so that no module below sees pytest's configuration."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from traingate.controller.scales import DEFAULT_SCALE, SCALES, Scale
from traingate.controller.steadying import LEVELS
from traingate.errors import ConfigurationError
from traingate.gate.limits import Limits

DEFAULT_MAX_LAUNCHES: Final = 8  # in a comparison with stored runs
DEFAULT_MAX_PAIRS: Final = 16  # in a duet
_MARKER: Final = (
    "traingate(tolerance=PERCENT, min_samples_per_second=N, max_first_step_seconds=S): limits of "
    "a training benchmark: the largest loss of throughput against the baseline, the least "
    "throughput, the longest first step."
)


@dataclass(frozen=True)
class Settings:
    """Settings of one pytest run; the options and ini keys of traingate set all but the last three.

    Attributes:
        scale: Size of the measurement.
        launches: Number of launches per test; in a comparison the largest number of launches, or of
            pairs in a duet. None for the default.
        steps: Number of measured steps per launch; None for that of the scale.
        tolerance: Largest loss of throughput that is let through, in percent.
        on_missing: Treatment of a test without a comparable baseline, ``fail`` or ``record``.
        on_inconclusive: Treatment of a test without a verdict, ``warn`` or ``fail``.
        steady: Level of the measures against scatter, one of ``controller.steadying.LEVELS``.
        against: Commit to compare the working tree with by a duet; None for no commit.
        against_python: Interpreter to compare with by a duet; None for no interpreter.
        timeout: Longest time for any one answer of a worker, in seconds; None for the defaults.
        require: Names of layers, or of the extras that install what layers need; a test of such a
            layer fails instead of being skipped if the layer cannot run.
        price: Price of this machine in US dollars per hour; None if unknown.
        profile: Folder for operator tables; None for no profile.
        compare: Value of ``--benchmark-compare``: True for the newest comparable run, the name or
            path of a run, or False for no comparison with stored runs.
        storage: Value of ``--benchmark-storage``.
        measures: False if each test takes a single step that is not recorded: pytest-benchmark is
            disabled, or pytest-xdist runs tests in parallel.
    """

    scale: Scale
    launches: int | None
    steps: int | None
    tolerance: float
    on_missing: str
    on_inconclusive: str
    steady: str
    against: str | None
    against_python: str | None
    timeout: float | None
    require: frozenset[str]
    price: float | None
    profile: str | None
    compare: bool | str
    storage: str
    measures: bool

    @property
    def max_pairs(self) -> int:
        """Return the largest number of pairs in a duet."""
        return self.launches or DEFAULT_MAX_PAIRS

    @property
    def compares(self) -> bool:
        """Return whether tests are compared with anything."""
        return bool(self.compare or self.against or self.against_python)


@dataclass(frozen=True)
class _Option:
    """Option ``--traingate-NAME``, which is also the ini key ``traingate_NAME``."""

    name: str
    parse: Callable[[str], Any]
    default: Any
    metavar: str
    help: str


def _positive_integer(text: str) -> int:
    """Return a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number of at least 1, not {text!r}")
    return value


def _positive_number(text: str) -> float:
    """Return a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a number above 0, not {text!r}")
    return value


def percent(text: str) -> float:
    """Return a tolerance in percent; twice the tolerance must be less than the whole throughput."""
    value = _positive_number(text.removesuffix("%"))
    if value >= 50:  # noqa: PLR2004 - the docstring explains it
        raise argparse.ArgumentTypeError(f"needs a percentage below 50, not {text!r}")
    return value


def _names(text: str) -> frozenset[str]:
    """Return the names in a list that is separated by commas."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError(f"takes names with commas between them, not {text!r}")
    return names


def _nonempty(text: str) -> str:
    """Return a text without the spaces around it; it must not be empty then."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text.strip()


def _one_of(*choices: str) -> Callable[[str], str]:
    """Return a function that checks that a text is one of *choices*."""

    def parse(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"takes one of {', '.join(choices)}, not {text!r}")
        return text

    return parse


_OPTIONS: Final = (
    _Option("scale", _one_of(*SCALES), DEFAULT_SCALE, "{smoke,quick,seed}",
            "Size of the measurement (default: quick)."),
    _Option("launches", _positive_integer, None, "N",
            f"Most launches per test (default: {DEFAULT_MAX_LAUNCHES} while a verdict is open, "
            f"{DEFAULT_MAX_PAIRS} pairs in a duet, else the scale's)."),
    _Option("steps", _positive_integer, None, "N",
            "Measured steps per launch (default: the scale's, and more where steps are short)."),
    _Option("tolerance", percent, 5.0, "PERCENT",
            "Largest loss of throughput that is let through (default: 5)."),
    _Option("on-missing", _one_of("fail", "record"), "fail", "{fail,record}",
            "A test without comparable baseline fails, or is recorded (default: fail)."),
    _Option("on-inconclusive", _one_of("warn", "fail"), "warn", "{warn,fail}",
            "A test whose launches run out before a verdict warns, or fails (default: warn)."),
    _Option("steady", _one_of(*LEVELS), "full", "{off,threads,full}",
            "How much is done against scatter: nothing (off), threads bound to cores (threads), "
            "and in duets a steadier allocator too (full, the default)."),
    _Option("against", _nonempty, None, "REF",
            "Compare the working tree with the commit REF by a duet: both are measured in turn."),
    _Option("against-python", _nonempty, None, "PATH",
            "Compare with another Python by a duet. PATH is its executable or the folder of its "
            "environment; it uses its own packages alone."),
    _Option("require", _names, frozenset(), "NAMES",
            "Layers, or extras, that must run (names with commas between them): a test that lacks "
            "one fails instead of being skipped."),
    _Option("timeout", _positive_number, None, "SECONDS",
            "Longest time for any one answer of a worker (default: 120 for the start, 1200 for "
            "the first step, 600 for any other)."),
    _Option("price", _positive_number, None, "USD_PER_HOUR",
            "Price of this machine, for samples per dollar."),
    _Option("profile", str, None, "DIR",
            "Profile each test's last planned launch, and write its operator table to DIR."),
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Register the options, and an ini key with underscores for each."""
    group = parser.getgroup("traingate", "traingate: training throughput on CPUs")
    for option in _OPTIONS:
        group.addoption(
            f"--traingate-{option.name}",
            type=option.parse,
            metavar=option.metavar,
            help=option.help,
        )
        parser.addini(f"traingate_{option.name.replace('-', '_')}", option.help, default=None)


def add_marker(config: pytest.Config) -> None:
    """Register the marker, for ``--markers`` and ``--strict-markers``."""
    config.addinivalue_line("markers", _MARKER)


def parse(config: pytest.Config) -> Settings:
    """Return the settings of this session.

    Raises:
        pytest.UsageError: If an ini value is invalid, or a requested comparison is impossible.
    """
    values = {option.name.replace("-", "_"): _value(config, option) for option in _OPTIONS}
    compare = _compare(config)
    parallel = config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")
    enabled = config.getoption("benchmark_enable", False)
    disabled = bool(config.getoption("benchmark_disable", False) and not enabled)
    duet_option = "--traingate-against" if values["against"] else "--traingate-against-python"
    duet_option = duet_option if values["against"] or values["against_python"] else ""
    comparison = "--benchmark-compare" if compare else duet_option
    if comparison and parallel:
        raise pytest.UsageError(
            f"{comparison} compares nothing under xdist: tests that share the cores measure each "
            "other. Drop -n (or pass -n 0)."
        )
    if comparison and disabled:
        raise pytest.UsageError(
            f"{comparison} compares nothing while --benchmark-disable is given. Drop one of them "
            "(or pass --benchmark-enable)."
        )
    if compare and duet_option:
        raise pytest.UsageError(
            f"--benchmark-compare judges by stored runs, and {duet_option} by a duet: give one "
            "of them."
        )
    return Settings(
        **{**values, "scale": SCALES[values["scale"]]},
        compare=compare,
        storage=str(config.getoption("benchmark_storage", "file://./.benchmarks")),
        measures=not (parallel or disabled),
    )


def _compare(config: pytest.Config) -> bool | str:
    """Return the value of ``--benchmark-compare``, after checking that it can name a run."""
    value = config.getoption("benchmark_compare", False)
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):  # pytest-benchmark's default is an empty list
        return False
    if not value:
        raise pytest.UsageError(
            "--benchmark-compare= names no run: the value is empty. Leave out the = to compare "
            "with the newest run."
        )
    path = Path(value)
    if path.is_dir() or "::" in value or path.suffix == ".py":
        raise pytest.UsageError(
            f"--benchmark-compare took {value} for the name of a run. Write paths before it: "
            f"pytest {value} --benchmark-compare"
        )
    if len(path.parts) > 2 and not path.is_file():  # noqa: PLR2004 - folder/name at the most
        raise pytest.UsageError(f"--benchmark-compare names {value}, and there is no such file")
    return value


def _value(config: pytest.Config, option: _Option) -> Any:
    """Return the value of an option: from the command line, the ini key, or its default."""
    key = f"traingate_{option.name.replace('-', '_')}"
    option_value = config.getoption(key)
    if option_value is not None:
        return option_value
    text = config.getini(key)
    if not text:
        return option.default
    try:
        return option.parse(str(text))
    except argparse.ArgumentTypeError as error:
        raise pytest.UsageError(f"ini key {key} {error}") from error


def limits_of(marker: pytest.Mark | None) -> Limits:
    """Return the limits that ``@pytest.mark.traingate(...)`` sets.

    Args:
        marker: Marker of the test, None if it has none.

    Raises:
        ConfigurationError: If a keyword is unknown, or a value is not a positive number.
    """
    limits = Limits()
    if marker is None:
        return limits
    if marker.args:
        raise ConfigurationError(f"the traingate marker takes keywords only. {_MARKER}")
    for key, value in marker.kwargs.items():
        if not hasattr(limits, key):
            raise ConfigurationError(f"the traingate marker has no {key!r}. {_MARKER}")
        parse_value = percent if key == "tolerance" else _positive_number
        try:
            limits = replace(limits, **{key: parse_value(str(value))})
        except argparse.ArgumentTypeError as error:
            raise ConfigurationError(f"the traingate marker's {key} {error}") from error
    return limits
