"""Define the layers that change how the memory of tensors is mapped, and how much is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from traingate.errors import ConfigurationError
from traingate.host import noise
from traingate.layers.base import BaseLayer, ProcessRequest
from traingate.layers.training import Training

_ROLLUP: Final = Path("/proc/self/smaps_rollup")


@dataclass(frozen=True)
class HugePages(BaseLayer):
    """Layer that lets torch ask the kernel for huge pages (2 MiB on x86) for its tensors.

    torch does so if ``THP_MEM_ALLOC_ENABLE`` is set, for tensors of at least that size, by
    ``madvise(2)`` with MADV_HUGEPAGE. The kernel follows in its modes ``madvise`` and ``always``.
    """

    name = "huge_pages"
    order = 70

    def unavailable(self) -> str | None:
        """Return how to let the kernel use huge pages if it does not, else None."""
        mode = noise.transparent_huge_pages()
        if mode in {"madvise", "always"}:
            return None
        return (
            f"the kernel's mode of transparent huge pages is {mode or 'unknown'}: echo madvise | "
            "sudo tee /sys/kernel/mm/transparent_hugepage/enabled"
        )

    def caution(self) -> str | None:
        """Return a caution if all processes have huge pages anyway, else None."""
        if noise.transparent_huge_pages() != "always":
            return None
        return "the kernel uses huge pages for all processes, so plain has them too"

    def process(self) -> ProcessRequest:
        """Request the variable of torch's allocator, which reads it once per process."""
        return ProcessRequest({"THP_MEM_ALLOC_ENABLE": "1"})

    def apply(self, _training: Training) -> None:
        """Check that a large tensor gets huge pages; change nothing.

        Raises:
            ConfigurationError: If it gets none.
        """
        import torch  # noqa: PLC0415 - only in the worker

        before = huge_page_bytes()
        tensor = torch.ones(1 << 24)  # 64 MiB
        after = huge_page_bytes()
        del tensor
        if before is not None and after is not None and after <= before:
            raise ConfigurationError(
                "huge_pages: a tensor of 64 MiB got no huge page. This torch may be built without "
                "them, or the kernel has no free ones (see huge_page_defragmentation in the record)"
            )


def huge_page_bytes() -> int | None:
    """Return the memory of this process in huge pages, in bytes; None if the kernel hides it."""
    try:
        lines = _ROLLUP.read_text().splitlines()
    except OSError:
        return None
    sizes = (int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:"))
    return 1024 * next(sizes, 0)


@dataclass(frozen=True)
class GradientCheckpointing(BaseLayer):
    """Layer that keeps no activations inside of a model's blocks, and computes them again.

    It calls ``torch.utils.checkpoint.checkpoint`` with ``use_reentrant=False`` around each block.
    A step takes less memory, and more time.

    Attributes:
        modules: Names of the modules that are the blocks, as ``named_modules()`` has them. By
            default, the largest containers that the model goes through one after the other: the
            children of the model, or those of its only child with parts of its own.
    """

    modules: tuple[str, ...] = ()
    name = "gradient_checkpointing"
    order = 350
    mathematics = "batch norm updates its running statistics twice in each step"
    loss_tolerance = 1e-4

    def __post_init__(self) -> None:
        if isinstance(self.modules, str):
            raise ConfigurationError("gradient_checkpointing takes a list of names of modules")
        object.__setattr__(self, "modules", tuple(self.modules))

    @property
    def conflicts(self) -> Mapping[str, str]:
        """Return the layers that do not work with it, each with the reason."""
        return {
            "xla_device": "XLA needs a checkpoint function of its own",
            "ipex_optimize": "IPEX replaces the modules of the model",
        }

    def apply(self, training: Training) -> None:
        """Let each block compute its activations again.

        Raises:
            ConfigurationError: If a module is not there, or if the model has no blocks.
        """
        for model in training.models().values():
            for block in self._blocks(model):
                block.forward = _checkpointed(block.forward)

    def _blocks(self, model: Any) -> list[Any]:
        if not self.modules:
            blocks = list(_default_blocks(model))
            if not blocks:
                raise ConfigurationError(
                    f"gradient_checkpointing: {type(model).__name__} has no part with parts of its "
                    "own: name the modules"
                )
            return blocks
        parts = dict(model.named_modules())
        missing = [name for name in self.modules if name not in parts]
        if missing:
            raise ConfigurationError(
                f"gradient_checkpointing: {type(model).__name__} has no module {', '.join(missing)}"
            )
        return [parts[name] for name in self.modules]


def _default_blocks(model: Any) -> Iterator[Any]:
    """Yield the containers that are the blocks of a model."""
    containers = list(_containers(model.children()))
    while len(containers) == 1:
        inner = list(_containers(containers[0].children()))
        if not inner:
            break
        containers = inner
    for container in containers:
        # A list of modules is not called itself.
        is_list = type(container).__name__ in {"ModuleList", "ModuleDict"}
        yield from container.children() if is_list else (container,)


def _containers(modules: Iterable[Any]) -> Iterator[Any]:
    """Yield the modules that have parts of their own."""
    return (module for module in modules if next(module.children(), None) is not None)


def _checkpointed(forward: Any) -> Any:
    """Return a function that computes *forward*, and computes it again in the backward pass."""
    from torch.utils.checkpoint import checkpoint  # noqa: PLC0415 - only in the worker

    return partial(checkpoint, forward, use_reentrant=False)
