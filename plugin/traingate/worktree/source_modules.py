"""Read the modules of one version of a project, and follow what they import from each other."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_MAX_IMPORTS: Final = 10
"""Largest number of imports that are followed from one name to its definition."""


@dataclass(frozen=True)
class SourceModules:
    """Modules of one version of a project.

    Attributes:
        root: Folder above which no file is read.
        has_file: Function that tells whether this version has a file.
        read: Function that returns the content of such a file.
    """

    root: Path
    has_file: Callable[[Path], bool]
    read: Callable[[Path], bytes | None]
    _modules: dict[Path, ast.Module | None] = field(default_factory=dict)

    def module(self, file: Path) -> ast.Module | None:
        """Return the syntax tree of a file; None if it is missing or no Python."""
        if file not in self._modules:
            self._modules[file] = None
            # The two last ones are for expressions that are nested very deeply.
            with contextlib.suppress(OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                if self.has_file(file):
                    self._modules[file] = ast.parse(self.read(file) or b"")
        return self._modules[file]

    def body(self, file: Path) -> list[ast.stmt]:
        """Return the statements at the top level of a file; empty as ``module`` is None."""
        module = self.module(file)
        return module.body if module else []

    def imports(self, file: Path) -> Iterator[tuple[str, Path, str]]:
        """Yield local name, file and name there of the project's names that a file imports."""
        for node in self.body(file):
            if isinstance(node, ast.ImportFrom):
                yield from self.imported_names(node, file)

    def imported_names(
        self, statement: ast.ImportFrom, file: Path
    ) -> Iterator[tuple[str, Path, str]]:
        """Yield the same for one statement of the file."""
        source = self._imported_file(statement, file)
        if source is not None:
            yield from ((each.asname or each.name, source, each.name) for each in statement.names)

    def _imported_file(self, node: ast.ImportFrom, file: Path) -> Path | None:
        """Return the file of the project from which a statement imports, None without one."""
        parts = node.module.split(".") if node.module else []
        folders = file.parents[node.level - 1 : node.level] if node.level else file.parents
        paths = [folder.joinpath(*parts) for folder in folders if folder.is_relative_to(self.root)]
        candidates = [
            candidate
            for path in paths
            for candidate in (path.with_name(f"{path.name}.py"), path / "__init__.py")
        ]
        return next(filter(self.has_file, candidates), None)

    def origins(self, file: Path) -> Mapping[str, str]:
        """Return where a file has its global names from that are no functions or classes.

        A name of the project has the file and the name of its definition, whichever modules pass it
        on; another import its module; an assignment the source of its value.
        """
        origins: dict[str, str] = {}
        for node in self.body(file):
            if isinstance(node, ast.Import):
                origins |= {
                    each.asname or each.name.partition(".")[0]: f"import {each.name}"
                    for each in node.names
                }
            elif isinstance(node, ast.ImportFrom):
                module = f"{'.' * node.level}{node.module or ''}"
                origins |= {
                    each.asname or each.name: f"{module}.{each.name}" for each in node.names
                }
                origins |= {
                    local: self._definition(source, name)
                    for local, source, name in self.imported_names(node, file)
                }
        return origins

    def _definition(self, file: Path, name: str) -> str:
        """Return the file, relative to the root, and the name where an imported name is defined."""
        for _ in range(_MAX_IMPORTS):
            places = {local: (source, other) for local, source, other in self.imports(file)}
            if name not in places:
                break
            file, name = places[name]
        return f"{file.relative_to(self.root).as_posix()}::{name}"


def nested_statements(node: ast.stmt) -> list[ast.stmt]:
    """Return the statements that a condition, a loop, ``with`` or ``try`` has, in all branches."""
    blocks = [getattr(node, name, ()) for name in ("body", "orelse", "finalbody")]
    blocks += [handler.body for handler in getattr(node, "handlers", ())]
    return [statement for block in blocks for statement in block]
