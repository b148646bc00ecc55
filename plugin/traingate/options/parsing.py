"""Read the settings of a pytest run from its command line and its configuration file."""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from traingate.baselines.run_files import located_storage
from traingate.controller.scales import SCALES
from traingate.options.definitions import OPTIONS, Option
from traingate.options.settings import DUET_OPTIONS, Settings
from traingate.untrusted.paths import is_file, is_folder, path_exists


def parse(config: pytest.Config) -> Settings:
    """Return the settings of this session.

    Raises:
        pytest.UsageError: If an ini value is invalid, or a requested comparison is impossible.
    """
    values = {option.name.replace("-", "_"): _value(config, option) for option in OPTIONS}
    compare = _compare(config)
    duet_options = [name for name in DUET_OPTIONS if values[name]]
    duet_option = _option_text(duet_options[0]) if duet_options else ""
    comparison = "--benchmark-compare" if compare else duet_option
    obstacle = _obstacle_to_measuring(config)
    if comparison and obstacle:
        raise pytest.UsageError(f"{comparison} compares nothing {obstacle}")
    if compare and duet_option:
        raise pytest.UsageError(
            f"--benchmark-compare judges by stored runs, and {duet_option} by a duet: give one "
            "of them."
        )
    if not comparison and config.getoption("traingate_anchor") is not None:
        raise pytest.UsageError(
            "--traingate-anchor adds an older baseline to a comparison: give --benchmark-compare "
            "or --traingate-against too."
        )
    if values["against_python"] and values["against_environment"]:
        raise pytest.UsageError(
            "--traingate-against-python and --traingate-against-environment both name the "
            "environment of the base: give one of them."
        )
    if duet_options and not values["against"]:
        _check_base_setup(config, duet_option)
    folder = config.invocation_params.dir  # a test may change the working directory
    for name in ("profile", "html", "markdown", "json"):
        if values[name]:
            values[name] = str(folder / values[name])
    if values["against_python"]:
        is_given = config.getoption("traingate_against_python") is not None
        start = folder if is_given else config.rootpath  # as paths of ini keys
        values["against_python"] = _located_program(values["against_python"], start)
    return Settings(
        **{**values, "scale": SCALES[values["scale"]]},
        compare=compare,
        storage=located_storage(str(config.getoption("benchmark_storage", "file://./.benchmarks"))),
        measures=not obstacle,
        saves=any(config.getoption(name, None) for name in _SAVING_OPTIONS),
        is_configured=any(_is_given(config, option) for option in OPTIONS),
    )


def check_limits(config: pytest.Config, settings: Settings) -> None:
    """Refuse limits of pytest-benchmark in a run that measures, and compares nothing with them.

    pytest-benchmark refuses them too, but not before its tables, which ``-p no:terminal`` and
    others leave out.

    Raises:
        pytest.UsageError: If there are limits and no ``--benchmark-compare``.
    """
    has_limits = config.getoption("benchmark_compare_fail", None)
    is_measured = settings.measures and not config.getoption("benchmark_skip", False)
    if has_limits and is_measured and not settings.compare:
        raise pytest.UsageError("--benchmark-compare-fail needs --benchmark-compare")


def _obstacle_to_measuring(config: pytest.Config) -> str:
    """Return why nothing can be measured in this run, and what to do; empty if something can."""
    if config.getoption("dist", "no") != "no" or hasattr(config, "workerinput"):
        return "under xdist: tests that share the cores measure each other. Drop -n (or pass -n 0)."
    if config.getoption("forked", False):
        return (
            "under pytest-forked: what a test measures ends with its process. Drop --forked: "
            "training benchmarks run in processes of their own anyway."
        )
    plugin = config.pluginmanager.get_plugin("codspeed_plugin")
    if getattr(plugin, "is_codspeed_enabled", False):
        return (
            "under CodSpeed, which replaces pytest-benchmark. Drop --codspeed (or unset "
            "CODSPEED_ENV)."
        )
    is_enabled = config.getoption("benchmark_enable", False)
    if config.getoption("benchmark_disable", False) and not is_enabled:
        return "while --benchmark-disable is given. Drop one of them (or pass --benchmark-enable)."
    return ""


_SAVING_OPTIONS: Final = ("benchmark_save", "benchmark_autosave", "benchmark_json")
_NO_INI_VALUES: Final[tuple[object, ...]] = (None, "", [])
"""Values of an ini key that is not given, or empty."""


def _option_text(setting: str) -> str:
    """Return the option that sets a setting."""
    return f"--traingate-{setting.replace('_', '-')}"


def _check_base_setup(config: pytest.Config, duet_option: str) -> None:
    """Refuse the option ``--traingate-base-setup`` in a run that has no tree of a base commit.

    The ini key is for all runs of a project, so it is no error there.
    """
    if config.getoption("traingate_base_setup") is not None:
        raise pytest.UsageError(
            "--traingate-base-setup prepares the tree of a base commit, and with "
            f"{duet_option} alone both sides run the working tree. Name a commit by "
            "--traingate-against, or drop it. (As the ini key traingate_base_setup it is used "
            "where there is a base commit.)"
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
    if is_folder(path) or "::" in value or path.suffix == ".py":
        raise pytest.UsageError(
            f"--benchmark-compare took {value} for the name of a run. Write paths before it: "
            f"pytest {value} --benchmark-compare"
        )
    if len(path.parts) > 2 and not is_file(path):  # noqa: PLR2004 - folder/name at the most
        raise pytest.UsageError(f"--benchmark-compare names {value}, and there is no such file")
    return str(path.absolute()) if is_file(path) else value


def _value(config: pytest.Config, option: Option) -> Any:
    """Return the value of an option: from the command line, the ini key, or its default."""
    key = f"traingate_{option.name.replace('-', '_')}"
    option_value = config.getoption(key)
    if option_value is not None:
        if option.is_repeatable:
            return _located(option_value, config.invocation_params.dir)
        return option_value
    try:
        value = _ini_value(config, key)
        if value in _NO_INI_VALUES:
            return option.default
        if option.is_repeatable:
            return _located(map(option.parse, value), config.rootpath)
        return option.parse(",".join(value) if isinstance(value, list) else str(value))
    except (argparse.ArgumentTypeError, TypeError, ValueError) as error:  # before 9.2, by getini
        raise pytest.UsageError(f"ini key {key} {error}") from error


def _is_given(config: pytest.Config, option: Option) -> bool:
    """Return whether an option was given, or its ini key."""
    key = f"traingate_{option.name.replace('-', '_')}"
    return config.getoption(key) is not None or _ini_value(config, key) not in _NO_INI_VALUES


def _located(pairs: Iterable[tuple[str, str]], folder: Path) -> dict[str, str]:
    """Return paths by name, relative ones below *folder*: a test may change the working directory.

    Raises:
        pytest.UsageError: If a name is given twice.
    """
    paths: dict[str, str] = {}
    for name, text in pairs:
        if name in paths:
            raise pytest.UsageError(f"--traingate-environment names {name} twice: {text} too")
        paths[name] = _located_program(text, folder)
    return paths


def _located_program(text: str, folder: Path) -> str:
    """Return the path of a program, a relative one below *folder*, or the name of a command."""
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - leaves an unknown user as it is
    is_command = len(path.parts) == 1 and not path_exists(folder / path)
    return text if is_command else str(folder / path)


def _ini_value(config: pytest.Config, key: str) -> Any:
    """Return the value of an ini key, as its text if pytest cannot read it as a number.

    pytest 9.0 and 9.1 know no unions of types. They refuse a number that is a text in TOML, and
    read one of another file by ``float``, which takes no percent sign.
    """
    try:
        return config.getini(key)
    except (TypeError, ValueError, pytest.UsageError):  # the last from pytest 9.2 on
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is deprecated, and nothing else has the text
            text = config.inicfg.get(key)
        if not isinstance(text, str):
            raise
        return text
