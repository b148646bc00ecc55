"""Layers and stacks: what one optimisation asks for, their fixed order, and their conflicts.

Loaded by the parent and by the worker, whose interpreter may have nothing installed:
standard library only at module level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from traingate.errors import ConfigurationError, LayerConflictError
from traingate.values import JSON, plain
from traingate.workload import ObjectName, name_of, resolve

if TYPE_CHECKING:
    import torch

    from traingate.workload import Dataset


@dataclass
class Training:
    """The training under construction in the worker: what a layer's ``apply`` may change.

    Attributes:
        model, criterion, optimizer, dataset, batch_size, train_step: as in TrainingSetup.
        loader_options: keyword arguments of the ``torch.utils.data.DataLoader``.
        batch_transforms: applied to each batch in their order, inside the timed step.
        contexts: entered in their order around forward and loss.
        cores: the cores that this launch may use; a data worker must not inherit the main
            thread's binding to one of them.
    """

    model: torch.nn.Module
    criterion: Callable[..., torch.Tensor] | None
    optimizer: torch.optim.Optimizer
    dataset: Dataset
    batch_size: int
    train_step: Callable[[torch.nn.Module, Any, Any], torch.Tensor] | None = None
    loader_options: dict[str, Any] = field(default_factory=dict)
    batch_transforms: list[Callable[[Any], Any]] = field(default_factory=list)
    contexts: list[Callable[[], AbstractContextManager[Any]]] = field(default_factory=list)
    cores: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ProcessRequest:
    """What a layer asks of the worker's process before it starts.

    Attributes:
        environment: variables to set.
    """

    environment: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Layer(Protocol):
    """One optimisation.

    A layer lives twice: in the parent, which asks for its process and whether it can run,
    and in the worker, where it is made anew as ``type(layer)(**layer.options)`` and
    changes the training. Its class must therefore stand at the top level of a module that
    imports nothing but the standard library.

    Attributes:
        name: as in fixtures, records and tables.
        order: its place in a stack; layers apply from the lowest to the highest. The
            layers of traingate: batch size 100, data workers 200, memory format 300,
            precision 400, compiler 600.
        conflicts: names of layers that exclude this one.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - described above

    @property
    def order(self) -> int: ...  # noqa: D102 - described above

    @property
    def conflicts(self) -> frozenset[str]: ...  # noqa: D102 - described above

    @property
    def options(self) -> Mapping[str, JSON]:
        """The keyword arguments that make this layer again."""

    def unavailable(self) -> str | None:
        """Why this machine cannot run the layer and what would mend that, or None."""

    def caution(self) -> str | None:
        """What a person should know before reading its numbers on this machine, or None."""

    def process(self) -> ProcessRequest:
        """What the layer asks of the worker's process."""

    def apply(self, training: Training) -> None:
        """Change the training; called in the worker, where torch may be imported."""


class BaseLayer:
    """The answers of a layer that asks for nothing; options are the dataclass's fields."""

    @property
    def conflicts(self) -> frozenset[str]:
        """No layer is excluded."""
        return frozenset()

    @property
    def options(self) -> Mapping[str, JSON]:
        """The fields of the dataclass, by name."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def unavailable(self) -> str | None:
        """Nothing beyond torch is needed."""
        return None

    def caution(self) -> str | None:
        """Nothing to say."""
        return None

    def process(self) -> ProcessRequest:
        """Nothing is asked of the process."""
        return ProcessRequest()


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

    def unavailable(self) -> str | None:
        """Why the stack cannot run here: the first reason of a layer, with its name."""
        for layer in self.layers:
            reason = layer.unavailable()
            if reason is not None:
                return f"{layer.name}: {reason}"
        return None

    def cautions(self) -> list[str]:
        """What the layers have to say about this machine."""
        said = ((layer.name, layer.caution()) for layer in self.layers)
        return [f"{name}: {caution}" for name, caution in said if caution is not None]

    def environment(self) -> dict[str, str]:
        """The variables that the layers ask for; a later layer's win."""
        merged: dict[str, str] = {}
        for layer in self.layers:
            merged.update(layer.process().environment)
        return merged

    def factories(self) -> list[dict[str, JSON]]:
        """The layers as the worker needs them: each class's name, and its options."""
        return [
            {
                "factory": plain(vars(name_of(type(layer), f"layer {layer.name}"))),
                "options": plain(layer.options),
            }
            for layer in self.layers
        ]


def _check_options(layer: Layer) -> None:
    try:
        plain(dict(layer.options))
    except TypeError as error:
        raise ConfigurationError(
            f"layer {layer.name}: its options do not survive JSON, which carries them to the "
            f"worker and into the record: {error}"
        ) from error


def _check_pair(one: Layer, other: Layer) -> None:
    if one.name == other.name:
        raise ConfigurationError(f"layer {one.name} is in the stack twice; keep one of them")
    if other.name in one.conflicts or one.name in other.conflicts:
        raise LayerConflictError(
            f"layers {one.name} and {other.name} exclude each other; keep one of them"
        )


def rebuild(factories: Iterable[Mapping[str, Any]]) -> list[Layer]:
    """In the worker: the layers that ``Stack.factories`` described."""
    return [resolve(ObjectName(**item["factory"]))(**item["options"]) for item in factories]


def label(layers: Iterable[Mapping[str, Any]]) -> str:
    """The text for a recorded stack: ``plain`` or ``channels_last + torch_compile(inductor)``."""
    texts = []
    for layer in layers:
        shown = ", ".join(str(value) for value in layer["options"].values() if value is not None)
        texts.append(f"{layer['name']}({shown})" if shown else str(layer["name"]))
    return " + ".join(texts) or "plain"
