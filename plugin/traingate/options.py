"""Options, ini keys and markers: parsed once, into frozen values.

Nothing below this module sees pytest's configuration.
"""

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

DEFAULT_MOST_LAUNCHES: Final = 8
DEFAULT_MOST_PAIRS: Final = 12
_MARKER: Final = (
    "traingate(tolerance=PERCENT, min_samples_per_second=N, max_first_step_seconds=S): limits of "
    "a training benchmark: the largest loss of throughput against the baseline, the least "
    "throughput, the longest first step."
)


@dataclass(frozen=True)
class Settings:
    """What the user asked for.

    Attributes:
        scale: the size of the measurement.
        launches: the most launches, None for the default of the situation.
        steps: measured steps per launch, None for the scale's.
        tolerance: the largest loss of throughput that is let through, in percent.
        on_missing: ``fail`` or ``record``.
        on_inconclusive: ``warn`` or ``fail``.
        steady: one of ``steadying.LEVELS``.
        against: a commit to measure beside the working tree, None for none.
        against_python: an interpreter to measure beside ours, None for none.
        timeout: seconds for any one answer of a worker, None for the defaults.
        require: names of layers, or of the extras that bring what they need: where one of these
            cannot run, its test fails instead of being skipped.
        price: of this machine in US dollars per hour, None if unknown.
        profile: directory for operator tables, None for no profile.
        compare: pytest-benchmark's ``--benchmark-compare``: False, True, or which run.
        storage: pytest-benchmark's ``--benchmark-storage``.
        measuring: False where pytest-benchmark is disabled: each test runs once, unmeasured.
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
    measuring: bool

    @property
    def most_pairs(self) -> int:
        """Of a duet."""
        return self.launches or DEFAULT_MOST_PAIRS

    @property
    def comparing(self) -> bool:
        """Whether tests are to be judged by anything."""
        return bool(self.compare or self.against or self.against_python)


@dataclass(frozen=True)
class _Option:
    name: str
    parse: Callable[[str], Any]
    default: Any
    metavar: str
    help: str


def _whole(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number of at least 1, not {text!r}")
    return value


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a number above 0, not {text!r}")
    return value


def percent(text: str) -> float:
    """A tolerance in percent: twice of it must leave some throughput to be told from none."""
    value = _positive(text.removesuffix("%"))
    if value >= 50:  # noqa: PLR2004 - explained above
        raise argparse.ArgumentTypeError(f"needs a percentage below 50, not {text!r}")
    return value


def _names(text: str) -> frozenset[str]:
    found = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"takes names with commas between them, not {text!r}")
    return found


def _reference(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text.strip()


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"takes one of {', '.join(choices)}, not {text!r}")
        return text

    return parse


_OPTIONS: Final = (
    _Option("scale", _one_of(*SCALES), DEFAULT_SCALE, "{smoke,quick,seed}",
            "Size of the measurement (default: quick)."),
    _Option("launches", _whole, None, "N",
            f"Most launches per test (default: {DEFAULT_MOST_LAUNCHES} while a verdict is open, "
            f"{DEFAULT_MOST_PAIRS} pairs in a duet, else the scale's)."),
    _Option("steps", _whole, None, "N",
            "Measured steps per launch (default: the scale's, and more where steps are short)."),
    _Option("tolerance", percent, 5.0, "PERCENT",
            "Largest loss of throughput that is let through (default: 5)."),
    _Option("on-missing", _one_of("fail", "record"), "fail", "{fail,record}",
            "A test without comparable baseline fails, or is recorded (default: fail)."),
    _Option("on-inconclusive", _one_of("warn", "fail"), "warn", "{warn,fail}",
            "What to do when launches run out before a verdict (default: warn)."),
    _Option("steady", _one_of(*LEVELS), "full", "{off,threads,full}",
            "Steadier than a bare process: threads bound to cores (threads), and in duets a "
            "steadier allocator too (full, the default)."),
    _Option("against", _reference, None, "REF",
            "Measure the working tree and the commit REF in turn, and judge the one by the other."),
    _Option("against-python", _reference, None, "PATH",
            "Measure beside it under another Python, with that one's own packages alone."),
    _Option("require", _names, frozenset(), "NAMES",
            "Layers, or extras, that must run: a test of one that cannot fails instead of skipping "
            "(names with commas between them)."),
    _Option("timeout", _positive, None, "SECONDS",
            "Longest time for any one answer of a worker (default: 1200 for the first step, "
            "600 for any other)."),
    _Option("price", _positive, None, "USD_PER_HOUR",
            "Price of this machine, for samples per dollar."),
    _Option("profile", str, None, "DIR",
            "Profile each test's last planned launch, and write its operator table to DIR."),
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Register the options, and for each an ini key with underscores."""
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
    """The settings of this session.

    Raises:
        pytest.UsageError: for an ini value that makes no sense, and for a comparison that
            could not compare anything.
    """
    values = {option.name.replace("-", "_"): _value(config, option) for option in _OPTIONS}
    compare = _compare(config)
    parallel = config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")
    disabled = bool(
        config.getoption("benchmark_disable", False)
        and not config.getoption("benchmark_enable", False)
    )
    duet = "--traingate-against" if values["against"] else "--traingate-against-python"
    duet = duet if values["against"] or values["against_python"] else ""
    asked = "--benchmark-compare" if compare else duet
    if asked and parallel:
        raise pytest.UsageError(
            f"{asked} compares nothing under xdist: tests that share the cores measure each "
            "other. Drop -n (or pass -n 0)."
        )
    if asked and disabled:
        raise pytest.UsageError(
            f"{asked} compares nothing while --benchmark-disable is given. Drop one of them (or "
            "pass --benchmark-enable)."
        )
    if compare and duet:
        raise pytest.UsageError(
            f"--benchmark-compare judges by stored runs, and {duet} by a duet: give one of them."
        )
    return Settings(
        **{**values, "scale": SCALES[values["scale"]]},
        compare=compare,
        storage=str(config.getoption("benchmark_storage", "file://./.benchmarks")),
        measuring=not (parallel or disabled),
    )


def _compare(config: pytest.Config) -> bool | str:
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
    given = config.getoption(f"traingate_{option.name.replace('-', '_')}")
    if given is not None:
        return given
    key = f"traingate_{option.name.replace('-', '_')}"
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
        ConfigurationError: For an unknown keyword, or a value that is no positive number.
    """
    limits = Limits()
    if marker is None:
        return limits
    if marker.args:
        raise ConfigurationError(f"the traingate marker takes keywords only. {_MARKER}")
    for key, value in marker.kwargs.items():
        if not hasattr(limits, key):
            raise ConfigurationError(f"the traingate marker has no {key!r}. {_MARKER}")
        check = percent if key == "tolerance" else _positive
        try:
            limits = replace(limits, **{key: check(str(value))})
        except argparse.ArgumentTypeError as error:
            raise ConfigurationError(f"the traingate marker's {key} {error}") from error
    return limits
