"""Make the layers of a record again, to write their recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer, Layer
from traingate.layers.kinds import KINDS
from traingate.layers.stack import Stack
from traingate.layers.training import Training
from traingate.protocol.json_values import JSON
from traingate.records import LayerRecord


@dataclass(frozen=True)
class StoredLayer(BaseLayer):
    """Layer of a record that cannot be made again, so that only its name and options are known.

    Attributes:
        name: Name of the layer.
        stored_options: Options of the layer.
        reason: Reason why it cannot be made again.
    """

    name: str
    stored_options: Mapping[str, JSON]
    reason: str
    order = 0

    @property
    def options(self) -> Mapping[str, JSON]:
        """Return the options that the record has."""
        return self.stored_options

    def apply(self, _training: Training) -> None:
        """Raise a ConfigurationError, since nobody knows what the layer does."""
        raise ConfigurationError(f"the layer {self.name} cannot be applied: {self.reason}")


def stack_of_records(records: Iterable[LayerRecord]) -> Stack:
    """Return the stack that *records* describe, in their order.

    A layer that is not one of traingate's, or whose options this version does not take, becomes a
    ``StoredLayer``.

    Args:
        records: Layers of a stored stack.
    """
    return Stack(tuple(_layer_of(record.name, record.options) for record in records))


def _layer_of(name: str, options: Mapping[str, Any]) -> Layer:
    """Return the layer of this name and these options, or a ``StoredLayer``."""
    if name not in KINDS:
        return StoredLayer(name, options, "it is none of traingate's layers")
    try:
        layer: Layer = KINDS[name](**options)
    except (ConfigurationError, TypeError) as error:
        return StoredLayer(name, options, f"this version does not take its options: {error}")
    return layer
