"""Define the stack of a test: its layers in their fixed order, free of conflicts.

The worker imports this module too, under an interpreter that may have nothing but torch installed,
so the module imports nothing but traingate and the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

from traingate.errors import ConfigurationError, LayerConflictError
from traingate.layers.base import Layer, ProcessRequest
from traingate.protocol.json_values import JSON, as_json
from traingate.protocol.limits import excess_of
from traingate.workload import ObjectName, import_object, name_of


def _extra(layer: Layer) -> str | None:
    """Return the extra that a layer needs; a user's own layer may not derive from BaseLayer."""
    extra: str | None = getattr(layer, "extra", None)
    return extra


class MissingRequirement(NamedTuple):
    """Requirement of a layer that this machine does not meet.

    Attributes:
        layer: Layer that cannot run on this machine.
        reason: Reason for which it cannot run, and after a colon the remedy.
    """

    layer: Layer
    reason: str

    def concerns(self, names: Iterable[str]) -> bool:
        """Return whether *names* has the layer's name or that of the extra it needs."""
        return bool({self.layer.name, _extra(self.layer)} & set(names))

    def __str__(self) -> str:
        return f"{self.layer.name}: {self.reason}"


@dataclass(frozen=True)
class Stack:
    """Layers of one test, in their fixed order; ``Stack.of`` checks and sorts them.

    Attributes:
        layers: Layers, from the lowest ``order`` to the highest; empty for the plain workload.
    """

    layers: tuple[Layer, ...] = ()

    @classmethod
    def of(cls, layers: Iterable[Layer]) -> Stack:
        """Return the stack of *layers*, which may come in any order.

        Raises:
            ConfigurationError: If an object is not a layer, if JSON cannot represent a layer's
                options, or if two layers have the same name.
            LayerConflictError: If two layers exclude each other.
        """
        unordered = tuple(layers)
        for layer in unordered:
            if isinstance(layer, type) or not isinstance(layer, Layer):
                raise ConfigurationError(
                    f"{layer!r} is no layer: it lacks part of the protocol traingate.Layer. "
                    f"Derive a frozen dataclass from traingate.BaseLayer, and pass an instance."
                )
            _check_options(layer)
        sorted_layers = sorted(unordered, key=lambda layer: (layer.order, layer.name))
        for position, layer in enumerate(sorted_layers):
            for other in sorted_layers[position + 1 :]:
                _check_pair(layer, other)
        return cls(tuple(sorted_layers))

    @property
    def names(self) -> set[str]:
        """Return the names of the layers and of the extras that they need."""
        names = [name for layer in self.layers for name in (layer.name, _extra(layer))]
        return {name for name in names if name is not None}

    @property
    def spans_nodes(self) -> bool:
        """Return whether the ranks are on several nodes.

        Each node then has a controller of its own, and all of them must take the same steps at the
        same time.
        """
        ranks = self.process().ranks
        return ranks is not None and ranks.sets_rendezvous

    def process(self) -> ProcessRequest:
        """Return the merged requests of all layers; where they disagree, a later layer wins."""
        return reduce(
            ProcessRequest.and_then, (layer.process() for layer in self.layers), ProcessRequest()
        )

    def factories(self) -> list[dict[str, JSON]]:
        """Return the layers as JSON from which the worker makes them again by ``rebuild``.

        Returns:
            For each layer, the name of its class (``factory``, the fields of an ``ObjectName``) and
            its ``options``.

        Raises:
            WorkloadError: If the worker could not import the class of a layer.
        """
        return [
            {"factory": as_json(vars(name)), "options": as_json(layer.options)}
            for name, layer in zip(self.class_names(), self.layers, strict=True)
        ]

    def class_names(self) -> list[ObjectName]:
        """Return the names by which the worker imports the layers' classes.

        Raises:
            WorkloadError: If the worker could not import one of them.
        """
        return [name_of(type(layer), f"layer {layer.name}") for layer in self.layers]


def _check_options(layer: Layer) -> None:
    """Raise a ConfigurationError if JSON cannot represent the options, or if they are too large."""
    try:
        options = as_json(dict(layer.options))
    except TypeError as error:
        raise ConfigurationError(
            f"layer {layer.name}: its options do not survive JSON, which carries them to the "
            f"worker and into the record: {error}"
        ) from error
    excess = excess_of(options)
    if excess:
        raise ConfigurationError(f"layer {layer.name}: its options have {excess}")


def _check_pair(first: Layer, second: Layer) -> None:
    """Raise an error if two layers cannot be in one stack."""
    if first.name == second.name:
        raise ConfigurationError(f"layer {first.name} is in the stack twice; keep one of them")
    for layer, other in ((first, second), (second, first)):
        if other.name in layer.conflicts:
            reasons = layer.conflicts if isinstance(layer.conflicts, Mapping) else {}
            reason = f": {reasons[other.name]}" if other.name in reasons else ""
            pair = f"{first.name} and {second.name}"
            raise LayerConflictError(f"layers {pair} exclude each other{reason}; keep one of them")


def rebuild(
    factories: Iterable[Mapping[str, Any]], relocate: Callable[[str], str] = str
) -> list[Layer]:
    """Return the layers made again from ``Stack.factories``; called in the worker.

    Args:
        factories: Return value of ``Stack.factories``.
        relocate: Function from the path of a file to its path in the tree that the worker runs in.

    Raises:
        WorkloadError: If the class of a layer cannot be imported.
    """
    layers = []
    for item in factories:
        name = ObjectName(**item["factory"])
        layers.append(import_object(replace(name, file=relocate(name.file)))(**item["options"]))
    return layers
