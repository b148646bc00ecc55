"""Say where a name in a module comes from, so that two versions of a project can be compared."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from traingate.worktree.statements import values_text

PARTS_OF_CONSTANTS: Final = (
    ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.unaryop,
    ast.operator, ast.expr_context,
)  # fmt: skip
"""Parts of the values that mean the same in each module."""


class NameInModule(NamedTuple):
    """Name in a module of the project.

    Attributes:
        module: Path of the module or the package below the root, without ``.py``, so that a module
            that becomes a package keeps it.
        name: The name; empty for the module itself.
    """

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}::{self.name}" if self.name else self.module


@dataclass(frozen=True)
class Origin:
    """Where a name comes from.

    Attributes:
        sites: Names by which modules of the project pass it on, from the first import to the
            definition; empty if it is of no module of the project.
        name: Last part of its name there. A library may offer one object by several modules.
        values: What the project assigns to it.
    """

    sites: tuple[NameInModule, ...]
    name: str
    values: Sequence[ast.expr] = field(default=(), compare=False)

    @cached_property
    def constant(self) -> str:
        """Return the source of its values; empty if they are more than numbers and texts."""
        with contextlib.suppress(RecursionError):
            nodes = (node for value in self.values for node in ast.walk(value))
            if all(isinstance(node, PARTS_OF_CONSTANTS) for node in nodes):
                return values_text(self.values)
        return ""

    @property
    def definition(self) -> NameInModule | None:
        """Return where the project defines it; None if it does not."""
        return self.sites[-1] if self.sites else None

    @property
    def names(self) -> frozenset[str]:
        """Return its names in the modules that pass it on; of a module, that of its file."""
        names = (site.name or site.module.rpartition("/")[2] for site in self.sites)
        return frozenset({self.name, *names})

    def __str__(self) -> str:
        return str(self.definition or self.name)
