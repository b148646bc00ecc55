"""Stacks: the layers of one test, their fixed order, their conflicts, and what they lack.

Loaded by the parent and by the worker, whose interpreter may have nothing installed:
standard library only at module level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

from traingate.errors import ConfigurationError, LayerConflictError
from traingate.layers.base import Layer, ProcessRequest
from traingate.protocol.json_values import JSON, as_json
from traingate.workload import ObjectName, import_object, name_of


def _extra(layer: Layer) -> str | None:
    """A layer of a user's own need not derive from BaseLayer."""
    extra: str | None = getattr(layer, "extra", None)
    return extra


class MissingRequirement(NamedTuple):
    """A layer that cannot run here, and the reason with what would mend it."""

    layer: Layer
    reason: str

    def concerns(self, names: Iterable[str]) -> bool:
        """Whether the layer, or the extra that brings what it needs, is one of ``names``."""
        return bool({self.layer.name, _extra(self.layer)} & set(names))

    def __str__(self) -> str:
        return f"{self.layer.name}: {self.reason}"


@dataclass(frozen=True)
class Stack:
    """The layers of one test, in their fixed order. ``Stack.of`` makes one."""

    layers: tuple[Layer, ...] = ()

    @classmethod
    def of(cls, layers: Iterable[Layer]) -> Stack:
        """Put ``layers`` into order.

        Raises:
            ConfigurationError: for an object that is no layer, and for a layer given twice.
            LayerConflictError: for two that exclude each other.
        """
        given = tuple(layers)
        for layer in given:
            if isinstance(layer, type) or not isinstance(layer, Layer):
                raise ConfigurationError(
                    f"{layer!r} is no layer: it lacks part of the protocol traingate.Layer. "
                    f"Derive a frozen dataclass from traingate.BaseLayer, and pass an instance."
                )
            _check_options(layer)
        ordered = sorted(given, key=lambda layer: (layer.order, layer.name))
        for position, layer in enumerate(ordered):
            for other in ordered[position + 1 :]:
                _check_pair(layer, other)
        return cls(tuple(ordered))

    @property
    def names(self) -> set[str]:
        """Of the layers, and of the extras that bring what they need."""
        names = [name for layer in self.layers for name in (layer.name, _extra(layer))]
        return {name for name in names if name is not None}

    @property
    def spans_nodes(self) -> bool:
        """Whether controllers of other nodes must do the same, at the same time."""
        ranks = self.process().ranks
        return ranks is not None and ranks.sets_rendezvous

    def missing_requirements(self) -> list[MissingRequirement]:
        """The layers that cannot run here, with what each lacks."""
        reasons = ((layer, layer.unavailable()) for layer in self.layers)
        return [
            MissingRequirement(layer, reason) for layer, reason in reasons if reason is not None
        ]

    def cautions(self) -> list[str]:
        """What the layers have to say about this machine."""
        said = ((layer.name, layer.caution()) for layer in self.layers)
        return [f"{name}: {caution}" for name, caution in said if caution is not None]

    def process(self) -> ProcessRequest:
        """What all layers ask of the process; where they disagree, a later layer wins."""
        return reduce(
            ProcessRequest.and_then, (layer.process() for layer in self.layers), ProcessRequest()
        )

    def factories(self) -> list[dict[str, JSON]]:
        """The layers as the worker needs them: each class's name, and its options."""
        return [
            {"factory": as_json(vars(name)), "options": as_json(layer.options)}
            for name, layer in zip(self.class_names(), self.layers, strict=True)
        ]

    def class_names(self) -> list[ObjectName]:
        """Return the names by which the worker imports the layers' classes."""
        return [name_of(type(layer), f"layer {layer.name}") for layer in self.layers]


def _check_options(layer: Layer) -> None:
    try:
        as_json(dict(layer.options))
    except TypeError as error:
        raise ConfigurationError(
            f"layer {layer.name}: its options do not survive JSON, which carries them to the "
            f"worker and into the record: {error}"
        ) from error


def _check_pair(one: Layer, other: Layer) -> None:
    if one.name == other.name:
        raise ConfigurationError(f"layer {one.name} is in the stack twice; keep one of them")
    for layer, rival in ((one, other), (other, one)):
        if rival.name in layer.conflicts:
            reasons = layer.conflicts if isinstance(layer.conflicts, Mapping) else {}
            why = f": {reasons[rival.name]}" if rival.name in reasons else ""
            raise LayerConflictError(
                f"layers {one.name} and {other.name} exclude each other{why}; keep one of them"
            )


def rebuild(
    factories: Iterable[Mapping[str, Any]], moved: Callable[[str], str] = str
) -> list[Layer]:
    """In the worker: the layers that ``Stack.factories`` describe.

    Args:
        factories: what it returned.
        moved: where a file is to be found here.
    """
    layers = []
    for item in factories:
        name = ObjectName(**item["factory"])
        layers.append(import_object(replace(name, file=moved(name.file)))(**item["options"]))
    return layers
