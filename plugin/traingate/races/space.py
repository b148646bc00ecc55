"""Define the space of a race: axes with choices, whose combinations are the candidates. Pure."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

from traingate.errors import ConfigurationError
from traingate.layers.base import Layer
from traingate.layers.stack import Stack
from traingate.protocol.json_values import JSON

Point: TypeAlias = tuple[int, ...]
"""Candidate of a space: the index of its choice on each axis."""

_ENUMERATED: Final = 3000
"""Largest number of combinations that are all looked at when candidates are proposed."""

_SAMPLED: Final = 1500
"""Number of combinations that are looked at in a larger space, beside the neighbours of the best
candidates."""

_BASE_OPTIONS: Final[Mapping[str, Mapping[str, JSON]]] = {
    # Without this, a choice of the OpenMP runtime would choose the best allocator too.
    "tuned_runtime": {"allocator": "default", "openmp": "gnu"},
}
"""Options of a layer that choices of several axes make together, before their own are added."""


@dataclass(frozen=True)
class Choice:
    """One choice on an axis.

    Attributes:
        label: Text for tables, unique on its axis.
        options: Options of layers by the name of the layer; empty for none.
        environment: Name of the environment to run in; None for the one that the stack needs.
        excluded: Names of layers that no candidate with this choice has.
    """

    label: str
    options: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    environment: str | None = None
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Axis:
    """Alternatives of which each candidate has one.

    Attributes:
        name: Name of the axis.
        choices: Choices, the default first.
    """

    name: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Space:
    """Candidates of a race.

    Attributes:
        axes: Axes. The only choice of an axis belongs to all candidates.
        kinds: Classes of the layers that choices name.
        fixed: Layers that all candidates have.
        can_run: Function that returns whether a stack can run in the environment of this name, or
            in the one that it needs.
        environment_of_test: Name of the environment that the test asks for; None if it asks for
            none.
    """

    axes: tuple[Axis, ...]
    kinds: Mapping[str, type[Any]]
    fixed: tuple[Layer, ...] = ()
    can_run: Callable[[Stack, str | None], bool] = lambda _stack, _environment: True
    environment_of_test: str | None = None
    _validity: dict[Point, bool] = field(default_factory=dict, init=False, compare=False)
    _layers: dict[str, Layer] = field(default_factory=dict, init=False, compare=False)

    @property
    def plain(self) -> Point:
        """Return the candidate with the default on each axis."""
        return (0,) * len(self.axes)

    @property
    def combinations(self) -> int:
        """Return the number of combinations of choices, with those that exclude each other."""
        return math.prod(len(axis.choices) for axis in self.axes)

    @cached_property
    def size(self) -> int:
        """Return the number of candidates; in a large space that of the combinations."""
        if self.combinations > _ENUMERATED:
            return self.combinations
        return len(self.points)

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Return all candidates of a small space; in a large one, that takes long."""
        ranges = (range(len(axis.choices)) for axis in self.axes)
        return tuple(filter(self.is_valid, itertools.product(*ranges)))

    @property
    def labels_by_axis(self) -> dict[str, tuple[str, ...]]:
        """Return the labels of the choices of each axis, the default first."""
        return {axis.name: tuple(choice.label for choice in axis.choices) for axis in self.axes}

    def choices(self, point: Point) -> list[Choice]:
        """Return the choices of a candidate, in the order of the axes."""
        return [axis.choices[index] for axis, index in zip(self.axes, point, strict=True)]

    def labels(self, point: Point) -> dict[str, str]:
        """Return the labels of a candidate's choices by axis, without the defaults."""
        return {
            axis.name: axis.choices[index].label
            for axis, index in zip(self.axes, point, strict=True)
            if index
        }

    def environment(self, point: Point) -> str | None:
        """Return the name of the environment that a candidate asks for; None for none."""
        names = (choice.environment for choice in self.choices(point))
        return next((name for name in names if name is not None), self.environment_of_test)

    def stack(self, point: Point) -> Stack:
        """Return the stack of a candidate.

        Raises:
            LayerConflictError: If two of its layers exclude each other.
            ConfigurationError: If a layer refuses its options.
        """
        merged: dict[str, dict[str, JSON]] = {}
        for choice in self.choices(point):
            for name, options in choice.options.items():
                merged.setdefault(name, full_options(name, {})).update(options)
        layers = [self._layer(name, options) for name, options in merged.items()]
        chosen_names = {layer.name for layer in layers}
        kept_layers = [layer for layer in self.fixed if layer.name not in chosen_names]
        return Stack.of([*kept_layers, *layers])

    def _layer(self, name: str, options: Mapping[str, JSON]) -> Layer:
        """Return a layer with these options, which candidates share; some read files.

        Raises:
            ConfigurationError: If it refuses its options.
        """
        key = f"{name} {options!r}"
        if key not in self._layers:
            self._layers[key] = make_layer(self.kinds[name], options)
        return self._layers[key]

    def identity(self, point: Point) -> str:
        """Return a text that is the same for candidates that train in the same way."""
        try:
            layers = [(layer.name, dict(layer.options)) for layer in self.stack(point).layers]
        except ConfigurationError:
            return f"invalid {point}"
        excluded = sorted(name for choice in self.choices(point) for name in choice.excluded)
        return f"{layers} {self.environment(point)} {excluded}"

    def is_valid(self, point: Point) -> bool:
        """Return whether the layers of a candidate, and their options, can run together."""
        if point not in self._validity:
            self._validity[point] = self._find_validity(point)
        return self._validity[point]

    def _find_validity(self, point: Point) -> bool:
        choices = self.choices(point)
        layer_names = {name for choice in choices for name in choice.options}
        if any(choice.excluded & layer_names for choice in choices):
            return False
        try:
            stack = self.stack(point)
        except ConfigurationError:  # that of a conflict is one too
            return False
        return self.can_run(stack, self.environment(point))

    def point(self, labels: Mapping[str, str]) -> Point:
        """Return the candidate with these labels by axis, and the default on all other axes.

        Raises:
            ConfigurationError: If there is no such axis or choice.
        """
        indexes = []
        for axis in self.axes:
            names = [choice.label for choice in axis.choices]
            label = labels.get(axis.name, names[0])
            if label not in names:
                raise ConfigurationError(f"the axis {axis.name} has no choice {label!r}")
            indexes.append(names.index(label))
        unknown_names = labels.keys() - {axis.name for axis in self.axes}
        if unknown_names:
            raise ConfigurationError(f"the space has no axis {', '.join(sorted(unknown_names))}")
        return tuple(indexes)

    def without_each_choice(self, point: Point) -> dict[str, Point]:
        """Return, for each choice of a candidate, the candidate with the default in its place.

        Candidates whose remaining layers exclude each other are left out.

        Returns:
            Candidates by the name of the axis.
        """
        variants = {
            axis.name: (*point[:number], 0, *point[number + 1 :])
            for number, axis in enumerate(self.axes)
            if point[number]
        }
        return {name: variant for name, variant in variants.items() if self.is_valid(variant)}

    def pool(self, best: Sequence[Point], generator: random.Random) -> list[Point]:
        """Return the candidates to choose the next ones from.

        A small space is returned as a whole. Of a large one, a random sample is returned, with all
        candidates that differ from one of the best ones on one axis or on two.

        Args:
            best: Fastest candidates so far.
            generator: Source of the sample.
        """
        if self.combinations <= _ENUMERATED:
            return list(self.points)
        points = {
            tuple(generator.randrange(len(axis.choices)) for axis in self.axes)
            for _ in range(_SAMPLED)
        }
        for point in best:
            points.update(self._neighbours(point))
        return sorted(filter(self.is_valid, points))

    def _neighbours(self, point: Point) -> Iterator[Point]:
        """Yield the candidates that differ from *point* on one axis or on two, and itself."""
        for numbers in itertools.combinations(range(len(self.axes)), 2):
            ranges = [
                range(len(axis.choices)) if number in numbers else (point[number],)
                for number, axis in enumerate(self.axes)
            ]
            yield from itertools.product(*ranges)


def full_options(name: str, options: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the options of a layer with what holds unless a choice says otherwise.

    Args:
        name: Name of the layer.
        options: Options that choices give it.
    """
    return {**_BASE_OPTIONS.get(name, {}), **options}


def make_layer(kind: type[Any], options: Mapping[str, JSON]) -> Layer:
    """Return a layer of this class.

    Raises:
        ConfigurationError: If it does not take these options.
    """
    try:
        layer: Layer = kind(**options)
    except TypeError as error:
        raise ConfigurationError(f"{kind.__name__}: {error}") from error
    return layer


def without_empty_axes(axes: Iterable[Axis]) -> tuple[Axis, ...]:
    """Return the axes that leave something to choose, or whose only choice has layers."""
    return tuple(axis for axis in axes if len(axis.choices) > 1 or _acts(axis.choices[0]))


def _acts(choice: Choice) -> bool:
    return bool(choice.options) or choice.environment is not None


def without_repetitions(space: Space) -> Space:
    """Return the space without choices that change nothing, or the same as one before.

    So no stack takes part under two names.
    """
    axes = []
    for place, axis in enumerate(space.axes):
        choices: dict[str, Choice] = {}
        for index, choice in enumerate(axis.choices):
            point = (*space.plain[:place], index, *space.plain[place + 1 :])
            choices.setdefault(space.identity(point), choice)
        axes.append(Axis(axis.name, tuple(choices.values())))
    return replace(space, axes=without_empty_axes(axes))
