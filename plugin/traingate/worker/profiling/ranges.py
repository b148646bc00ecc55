"""Mark the calls of modules in the trace of torch's profiler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch.profiler import record_function

from traingate.layers.training import Training
from traingate.worker.profiling.names import CRITERION, MODULE_PREFIX, PHASE_PREFIX, ROOT

_WRAPPERS = ("module", "_orig_mod")  # DistributedDataParallel, torch.compile


def modules_of(training: Training) -> dict[str, torch.nn.Module]:
    """Return all modules of the training's models, and its criterion, by their paths.

    The path of a module is the one that the workload knows, without the wrappers of layers.
    """
    modules: dict[str, torch.nn.Module] = {}
    models: dict[str, Any] = {**training.models()}
    for name, model in models.items():
        if not isinstance(model, torch.nn.Module):
            continue  # a ``train_step`` can do without a model
        for path, module in _without_wrappers(model).named_modules():
            full_path = ".".join(filter(None, (name, path))) or ROOT
            modules.setdefault(full_path, module)
    if isinstance(training.criterion, torch.nn.Module):
        modules[CRITERION] = training.criterion
    return modules


@contextmanager
def module_ranges(modules: Mapping[str, torch.nn.Module]) -> Iterator[None]:
    """Put a range around each forward call of *modules*, until the context is left.

    Args:
        modules: Modules by path. None of them may be compiled: a compiler would compile the hooks.
    """
    with ExitStack() as exit_stack:
        for path, module in modules.items():
            if isinstance(module, torch.jit.ScriptModule):
                continue  # its hooks have to be scripted
            calls = _Calls(MODULE_PREFIX + path)
            for handle in (
                module.register_forward_pre_hook(calls.enter),
                module.register_forward_hook(calls.leave, always_call=True),
            ):
                exit_stack.callback(handle.remove)
        yield


def mark_end(phase: str) -> None:
    """Put an empty range at the end of a phase."""
    with record_function(PHASE_PREFIX + phase):
        pass


def ranges_for(training: Training, *, is_compiled: bool) -> Any:
    """Return a context in which the modules of *training* have ranges, unless it is compiled."""
    return nullcontext() if is_compiled else module_ranges(modules_of(training))


class _Calls:
    """Ranges of the open calls of one module, which may call itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[Any] = []

    def enter(self, *_: Any) -> None:
        call: Any = record_function(self._name)
        call.__enter__()
        self._open.append(call)

    def leave(self, *_: Any) -> None:
        if self._open:
            self._open.pop().__exit__(None, None, None)


def _without_wrappers(model: torch.nn.Module) -> torch.nn.Module:
    """Return the model inside of the wrappers that layers have put around it."""
    for name in _WRAPPERS:
        inner = model._modules.get(name)
        if inner is not None and len(model._modules) == 1 and not _has_parameters(model):
            return _without_wrappers(inner)
    return model


def _has_parameters(model: torch.nn.Module) -> bool:
    """Return whether a module has parameters of its own, as a wrapper has not."""
    return any(True for _ in model.parameters(recurse=False))
