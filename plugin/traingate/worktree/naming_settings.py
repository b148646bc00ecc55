"""Read by which names pytest recognises tests in a version of a project, from its configuration.

Pytest reads files of the working tree alone.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from iniconfig import IniConfig, ParseError

from traingate.worktree.naming import TestNaming

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_OF_PYTEST_ALONE: Final = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
"""Files whose settings count even if there are none in them, in pytest's order."""

_FILES: Final = (*_OF_PYTEST_ALONE, "pyproject.toml", "tox.ini", "setup.cfg")
"""Files in which pytest looks for its settings, in its order."""


def naming_in(folder: Path, root: Path, read: Callable[[Path], bytes | None]) -> TestNaming:
    """Return the names by the first configuration file in a folder or in one above it.

    Args:
        folder: Folder from which pytest looks for a configuration file.
        root: Folder above which no file is read.
        read: Function that returns the content of a file, None if there is none.
    """
    for each in (folder, *folder.parents):
        for name in _FILES if each.is_relative_to(root) else ():
            settings = _settings(each / name, read(each / name))
            if settings is not None:
                return _naming(settings)
    return TestNaming()


def naming_of(file: Path, read: Callable[[Path], bytes | None]) -> TestNaming:
    """Return the names by one configuration file, as for pytest's option ``-c``."""
    return _naming(_settings(file, read(file)) or {})


def _settings(file: Path, content: bytes | None) -> Mapping[str, Any] | None:
    """Return pytest's settings in a file of this content; None if they are not in this file."""
    if content is None:
        return None
    text = content.decode(errors="replace")
    if file.suffix == ".toml":
        settings = _toml_settings(text, may_have_own_table=file.name != "pyproject.toml")
    else:
        settings = _ini_settings(text, "tool:pytest" if file.suffix == ".cfg" else "pytest")
    return {} if settings is None and file.name in _OF_PYTEST_ALONE else settings


def _toml_settings(text: str, *, may_have_own_table: bool) -> Mapping[str, Any] | None:
    """Return pytest's settings in a TOML file; None if it has none or is damaged.

    Args:
        text: Content of the file.
        may_have_own_table: True if a table ``[pytest]`` counts as well as those of ``[tool]``.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError):  # also of a number of too many digits, and deep nesting
        return None
    tool = document.get("tool")
    of_tool = tool.get("pytest") if isinstance(tool, dict) else None
    tables = [document.get("pytest")] if may_have_own_table else []
    if isinstance(of_tool, dict):
        tables += [of_tool.get("ini_options"), of_tool or None]
    return next((table for table in tables if isinstance(table, dict)), None)


def _ini_settings(text: str, section: str) -> Mapping[str, Any] | None:
    """Return the settings in a section of an ini file; None if it has none or is damaged."""
    try:
        return IniConfig("", data=text).sections.get(section)
    except ParseError:
        return None


def _naming(settings: Mapping[str, Any]) -> TestNaming:
    """Return the names that settings give, and pytest's own where they give none."""
    names = {each.name: _words(settings.get(each.name)) for each in fields(TestNaming)}
    return TestNaming(**{key: words for key, words in names.items() if words is not None})


def _words(value: object) -> list[str] | None:
    """Return the words of a setting; None if it has another form, of which pytest complains."""
    if isinstance(value, list):
        return [str(each) for each in value]
    try:
        return shlex.split(value) if isinstance(value, str) else None
    except ValueError:
        return None
