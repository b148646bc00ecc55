"""Change all tensors of a batch, and check parameters that a layer replaces."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from copy import copy
from types import FrameType
from typing import Any
from weakref import ref

from traingate.errors import ConfigurationError


def map_tensors(change: Callable[[Any], Any], batch: Any) -> Any:
    """Return *batch* with each of its tensors changed, also in lists, tuples and mappings.

    Args:
        change: Function from a tensor to the one that replaces it.
        batch: Batch of any structure. Objects of other types than these stay as they are.
    """
    import torch  # noqa: PLC0415 - only in the worker

    if isinstance(batch, torch.Tensor):
        return change(batch)
    if isinstance(batch, MutableMapping):
        new_batch = copy(batch)  # keeps its type, such as the BatchEncoding of transformers
        for key, value in batch.items():
            new_batch[key] = map_tensors(change, value)
        return new_batch
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(map_tensors(change, value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(map_tensors(change, value) for value in batch)
    return batch


def require_no_hooks(layer: str, parameters: Mapping[str, Any]) -> None:
    """Check that no parameter has a hook, which a parameter in its place would lack.

    Args:
        layer: Name of the layer that replaces the parameters.
        parameters: Parameters of a model, by name.

    Raises:
        ConfigurationError: If a parameter has a hook for its gradient, which may clip it.
    """
    for name, parameter in parameters.items():
        # torch has no public way to ask a tensor for its hooks.
        if parameter._backward_hooks or parameter._post_accumulate_grad_hooks:
            raise ConfigurationError(
                f"{layer} replaces parameters, and {name} has a hook that the new one would lack: "
                "the training would be another one. Move what the hook does into a hook of the "
                "optimizer's step, or into a step of the workload's own"
            )


class OldParameters:
    """Parameters of a module before a layer replaces some of them.

    Code of the workload that has kept a parameter, such as a list for clipping, would go on with
    the one that is not trained any more, in silence.

    Args:
        layer: Name of the layer.
        module: Module before the layer has changed it.
    """

    def __init__(self, layer: str, module: Any) -> None:
        self._layer = layer
        # The references are weak, so that only others keep a replaced parameter alive.
        self._references = {
            name: ref(parameter)
            for name, parameter in module.named_parameters(remove_duplicate=False)
        }

    def require_unused(self, module: Any, known_holders: Iterable[object] = ()) -> None:
        """Check that nothing refers to a parameter that was replaced.

        Args:
            module: Module after the change.
            known_holders: Objects of traingate, torch or IPEX that may refer to one.

        Raises:
            ConfigurationError: If something else refers to one.
        """
        gc.collect()  # modules that were replaced are parts of cycles
        current = set(map(id, module.parameters()))
        replaced: dict[str, Any] = {}
        for name, reference in self._references.items():
            parameter = reference()
            if parameter is not None and id(parameter) not in current:
                replaced[name] = parameter
        if not replaced:
            return
        known = {id(replaced), *map(id, known_holders)}
        # Python objects only: a computation that still runs may keep a tensor, too.
        for holder in gc.get_referrers(*replaced.values()):
            if id(holder) in known or isinstance(holder, FrameType):
                continue
            held = set(map(id, gc.get_referents(holder)))
            name = next(name for name, each in replaced.items() if id(each) in held)
            raise ConfigurationError(
                f"{self._layer} replaces parameters, and the workload has kept {name} (in a "
                f"{type(holder).__name__}): what it does with it, such as clipping, would have no "
                "effect. Ask for parameters when they are used, by model.parameters() or the "
                "optimizer's param_groups"
            )
