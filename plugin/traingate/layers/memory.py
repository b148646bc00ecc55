"""Define the layers that change how the memory of tensors is mapped, and how much is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, Final

from traingate.errors import ConfigurationError
from traingate.host import noise
from traingate.layers.base import BaseLayer, ProcessRequest
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import Training

_SMAPS: Final = Path("/proc/self/smaps")


@dataclass(frozen=True)
class HugePages(BaseLayer):
    """Layer that lets torch ask the kernel for huge pages (2 MiB on x86) for its tensors.

    torch does so if ``THP_MEM_ALLOC_ENABLE`` is set, for tensors of at least that size, by
    ``madvise(2)`` with MADV_HUGEPAGE. The kernel follows in its modes ``madvise`` and ``always``.
    """

    name = "huge_pages"
    order = 70

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layer whose tensors are not in torch's own memory, with the reason."""
        return {"xla_device": "XLA's tensors do not come from torch's allocator"}

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
        """Check that torch asks for huge pages for a large tensor; change nothing.

        Raises:
            ConfigurationError: If it does not.
        """
        import torch  # noqa: PLC0415 - only in the worker

        tensor = torch.ones(1 << 24)  # 64 MiB
        flags = mapping_flags(tensor.data_ptr() + tensor.nbytes // 2)
        if flags is not None and "hg" not in flags:
            raise ConfigurationError(
                "huge_pages: torch has not asked for huge pages for a tensor of 64 MiB: this torch "
                "is built without them"
            )

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return no line, since a variable alone brings huge pages."""
        return Recipe()


def mapping_flags(address: int, smaps: Path = _SMAPS) -> list[str] | None:
    """Return the flags of the memory mapping at an address, by their names in proc_pid_smaps(5).

    Args:
        address: Address in this process.
        smaps: File in the format of ``/proc/self/smaps``.

    Returns:
        The flags, such as ``hg`` for a mapping with MADV_HUGEPAGE; None if the kernel lists none.
    """
    try:
        lines = smaps.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    is_inside = False
    for line in lines:
        name, _, value = line.partition(":")
        first, dash, last = name.split(" ", 1)[0].partition("-")
        if dash:  # a line "first-last permissions offset device inode path"
            is_inside = int(first, 16) <= address < int(last, 16)
        elif is_inside and name == "VmFlags":
            return value.split()
    return None


@dataclass(frozen=True)
class GradientCheckpointing(BaseLayer):
    """Layer that keeps no activations inside of a model's blocks, and computes them again.

    It calls ``torch.utils.checkpoint.checkpoint`` with ``use_reentrant=False`` around each block.
    A step takes less memory, and more time.

    Attributes:
        modules: Names of the modules that are the blocks, as ``named_modules()`` has them. By
            default, the outermost modules of which there are several of one class side by side,
            each with parts of its own: the stages of a ResNet, the layers of a transformer.
    """

    modules: tuple[str, ...] = ()
    _calls: ClassVar[list[Any]] = []
    name = "gradient_checkpointing"
    order = 350
    mathematics = "batch norm updates its running statistics twice in each step"
    loss_tolerance = 1e-4

    def __post_init__(self) -> None:
        names: object = self.modules
        if isinstance(names, str):
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
        calls: list[Any] = []
        object.__setattr__(self, "_calls", calls)
        for model in training.models().values():
            for block in self._blocks(model):
                block.forward = _checkpointed(block.forward, calls)

    def verify(self, _counters: Mapping[str, int]) -> None:
        """Raise a ConfigurationError if no block was called."""
        if not self._calls:
            raise ConfigurationError(
                "gradient_checkpointing: the model called none of its blocks, so nothing was "
                "computed again: name the modules that it calls"
            )

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the lines that let each block compute its activations again."""
        names = json.dumps(self.modules) if self.modules else ""
        blocks = f"map(model.get_submodule, {names})" if names else "blocks_of(model)"
        return Recipe(
            imports=(
                *(() if names else ("from collections import Counter",)),
                "from functools import partial",
                "from torch.utils.checkpoint import checkpoint",
            ),
            functions=() if names else (_BLOCKS_OF,),
            optimized=(
                f"for block in {blocks}:",
                "    block.forward = partial(checkpoint, block.forward, use_reentrant=False)",
            ),
        )

    def _blocks(self, model: Any) -> list[Any]:
        if not self.modules:
            blocks = _default_blocks(model)
            if not blocks:
                raise ConfigurationError(
                    f"gradient_checkpointing: {type(model).__name__} has no blocks of one class "
                    "side by side: name the modules"
                )
            return blocks
        parts = dict(model.named_modules())
        missing = [name for name in self.modules if name not in parts]
        if missing:
            raise ConfigurationError(
                f"gradient_checkpointing: {type(model).__name__} has no module {', '.join(missing)}"
            )
        return [parts[name] for name in self.modules]


_BLOCKS_OF: Final = '''
def blocks_of(model):
    """Return the outermost modules of one class side by side, each with parts of its own."""
    level = [model]
    while level:
        blocks = []
        for parent in level:
            containers = [child for child in parent.children() if list(child.children())]
            classes = Counter(map(type, containers))
            blocks += [child for child in containers if classes[type(child)] > 1]
        if blocks:
            return blocks
        level = [child for parent in level for child in parent.children()]
    raise SystemExit("the model has no blocks: name them")
'''
"""Source of the function ``_default_blocks`` for a plain script."""


def _default_blocks(model: Any) -> list[Any]:
    """Return the blocks of a model; empty if it has none.

    Blocks are modules of one class side by side, each with parts of its own: the stages of a
    ResNet, or the layers of a transformer. The outermost ones are taken.
    """
    level = [model]
    while level:
        blocks = [block for parent in level for block in _repeated_containers(parent)]
        if blocks:
            return blocks
        level = [child for parent in level for child in parent.children()]
    return []


def _repeated_containers(parent: Any) -> list[Any]:
    """Return the children that have parts of their own and of whose class there are several."""
    containers = [child for child in parent.children() if next(child.children(), None) is not None]
    classes = Counter(map(type, containers))
    return [child for child in containers if classes[type(child)] > 1]


def _checkpointed(forward: Any, calls: list[Any]) -> Any:
    """Return a function that computes *forward*, and computes it again in the backward pass.

    Args:
        forward: Method ``forward`` of a module.
        calls: List to which the first calls are added.
    """
    from torch.utils.checkpoint import checkpoint  # noqa: PLC0415 - only in the worker

    @wraps(forward)
    def checkpointed(*arguments: Any, **options: Any) -> Any:
        if not calls:
            calls.append(True)
        return checkpoint(forward, *arguments, use_reentrant=False, **options)

    return checkpointed
