"""Say where a name in a module comes from, so that two versions of a project can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


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
    """

    sites: tuple[NameInModule, ...]
    name: str

    @property
    def definition(self) -> NameInModule | None:
        """Return where the project defines it; None if it does not."""
        return self.sites[-1] if self.sites else None

    def __str__(self) -> str:
        return str(self.definition or self.name)
