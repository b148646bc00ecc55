"""Read the axes of a race from a TOML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from traingate.errors import ConfigurationError
from traingate.layers.base import Layer
from traingate.layers.kinds import KINDS
from traingate.races.default_space import NONE
from traingate.races.space import Axis, Choice, make_layer
from traingate.untrusted.files import read_bounded

_ENVIRONMENT: Final = "environment"
"""Name of the axis whose choices are names of environments."""

_MAX_BYTES: Final = 1 << 20
"""Largest file that is read. One of ten axes has a few kilobytes."""


class _SpaceFile(msgspec.Struct, forbid_unknown_fields=True):
    """Content of a file: for each axis its choices, the default first."""

    axes: dict[str, list[str | dict[str, bool | dict[str, Any]]]]


@dataclass
class _Reader:
    """Reader of choices, which collects the user's own classes of layers.

    Attributes:
        path: File, for error messages.
        kinds: Classes of the user's own layers by the names of the layers.
    """

    path: Path
    kinds: dict[str, type[Any]] = field(default_factory=dict)

    def axis(self, name: str, values: list[str | dict[str, bool | dict[str, Any]]]) -> Axis:
        """Return an axis.

        Raises:
            ConfigurationError: If one of its choices is invalid.
        """
        if name == _ENVIRONMENT:
            choices = [self._environment(value) for value in values]
        else:
            choices = [self._choice(name, value) for value in values]
        labels = [choice.label for choice in choices]
        doubled = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
        if doubled:
            raise ConfigurationError(f"{self.path}: the axis {name} has {doubled[0]!r} twice")
        return Axis(name, tuple(choices))

    def _environment(self, value: object) -> Choice:
        if not isinstance(value, str):
            raise ConfigurationError(f"{self.path}: environment takes names, not {value!r}")
        return Choice(value, environment=None if value == "as needed" else value)

    def _choice(self, axis: str, value: str | dict[str, bool | dict[str, Any]]) -> Choice:
        if value in (NONE.label, {}):
            return NONE
        tables = {value: {}} if isinstance(value, str) else value
        options: dict[str, dict[str, Any]] = {}
        labels = []
        for name, given in tables.items():
            if given is False:
                continue
            layer_options = {} if given is True else given
            kind = self._kind(axis, name)
            options[kind.name] = dict(layer_options)
            layer: Layer = make_layer(kind, layer_options)
            values = ", ".join(_option_texts(layer, layer_options))
            labels.append(f"{layer.name}({values})" if values else layer.name)
        return Choice(" + ".join(labels), options) if options else NONE

    def _kind(self, axis: str, name: str) -> type[Any]:
        """Return the class of a layer: one of traingate's, or ``module:Class``."""
        if name in KINDS:
            return KINDS[name]
        module, colon, attribute = name.partition(":")
        if not colon:
            raise ConfigurationError(
                f"{self.path}: the axis {axis} names {name!r}, which is no layer of traingate; "
                "give a layer of your own as module:Class"
            )
        try:
            kind: type[Any] = getattr(import_module(module), attribute)
            self.kinds[kind.name] = kind
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            raise ConfigurationError(f"{self.path}: {name} is no layer: {problem}") from error
        return kind


def _option_texts(layer: Layer, options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options of a layer: the value of its first one, the others with their names."""
    first = next(iter(layer.options), None)
    for name, value in options.items():
        yield str(value) if name == first else f"{name}={value}"


def read_space_text(path: Path) -> str:
    """Return the text of a file of axes.

    Raises:
        ConfigurationError: If it is no regular file, too large, or not UTF-8.
    """
    try:
        return read_bounded(path, _MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def read_space(path: Path) -> tuple[tuple[Axis, ...], Mapping[str, type[Any]]]:
    """Return the axes of a file, and the classes of the user's own layers in it.

    Args:
        path: TOML file with a table ``axes``: lists of choices by the name of the axis.

    Raises:
        ConfigurationError: If it cannot be read, or if a choice is invalid.
    """
    text = read_space_text(path)
    try:
        content = msgspec.toml.decode(text, type=_SpaceFile)
    except RecursionError as error:
        raise ConfigurationError(f"{path} is nested too deeply") from error
    except (msgspec.MsgspecError, ValueError) as error:  # the latter for a number of many digits
        raise ConfigurationError(f"{path}: {error}") from error
    reader = _Reader(path)
    axes = [reader.axis(name, values) for name, values in content.axes.items() if values]
    return tuple(axes), reader.kinds
