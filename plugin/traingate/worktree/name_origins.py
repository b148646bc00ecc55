"""Find where the names in a module of one version of a project come from."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from traingate.worktree.import_graph import ImportGraph
from traingate.worktree.imported_names import DefinitionSite
from traingate.worktree.origins import NameInModule, Origin
from traingate.worktree.source_modules import SOURCE_FOLDER, SourceModules
from traingate.worktree.statements import Definition, all_statements, assigned_values


@dataclass(frozen=True)
class NameOrigins:
    """Origins of the names in one version of a project.

    Attributes:
        modules: Modules of this version.
    """

    modules: SourceModules
    _origins: dict[Path, Mapping[str, Origin]] = field(default_factory=dict, init=False)

    @cached_property
    def _imports(self) -> ImportGraph:
        """Return the imports by which names pass from module to module."""
        return ImportGraph(self.modules, with_conditions=True)

    def of(self, file: Path, name: str) -> Origin | None:
        """Return the origin of a name that a file imports, also by ``*``, or defines."""
        if self._imports.site_of_star(file, name) is None:
            return self._of_file(file).get(name)
        return self._origin_of(self._imports.chain((file, name))[1:])

    def in_function(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, file: Path
    ) -> Callable[[str], Origin | None]:
        """Return the function that returns the origin of a name in a function of a file."""
        local_names = assigned_values(ast.walk(function)).keys()
        last_values = assigned_values(function.body)
        own = self._imported(ast.walk(function), file)

        def origin_of(name: str) -> Origin | None:
            if name in own and name not in last_values:
                return own[name]
            return None if name in local_names else self.of(file, name)

        return origin_of

    def defines(self, site: NameInModule) -> bool:
        """Return whether a module of this version has a name."""
        folders = (self.modules.root, self.modules.root / SOURCE_FOLDER)
        files = [self.modules.file_at(folder / site.module) for folder in folders]
        return any(
            file is not None and (not site.name or self._imports.has_name(file, site.name))
            for file in files
        )

    def _of_file(self, file: Path) -> Mapping[str, Origin]:
        """Return the origins of the names that a file imports, or defines at its top level.

        A name that is assigned another value after that, and under no condition, has none.
        """
        if file not in self._origins:
            origins: dict[str, Origin] = {}
            for node in self.modules.body(file):
                origins |= self._imported(all_statements([node]), file)
                if isinstance(node, Definition):
                    origins[node.name] = self._origin_of([(file, node.name)])
                for name in assigned_values([node]):
                    origins.pop(name, None)
            self._origins[file] = origins
        return self._origins[file]

    def _imported(self, nodes: Iterable[ast.AST], file: Path) -> Mapping[str, Origin]:
        """Return the origins of the names that some statements of a file import."""
        origins = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for each in node.names:
                    if each.asname or "." not in each.name:
                        source = self.modules.module_file(each.name, 0, file)
                        name = each.name.rpartition(".")[2]
                        origin = (
                            Origin((), name) if source is None else self._origin_of([(source, "")])
                        )
                        origins[each.asname or each.name] = origin
            elif isinstance(node, ast.ImportFrom):
                for each in node.names:
                    origins[each.asname or each.name] = self._imported_origin(node, each.name, file)
        return origins

    def _imported_origin(self, node: ast.ImportFrom, name: str, file: Path) -> Origin:
        """Return the origin of one name that a statement of a file imports."""
        submodule = self.modules.submodule_file(node, name, file)
        source = self.modules.module_file(node.module, node.level, file)
        if source is not None and self._imports.has_name(source, name):
            return self._origin_of(self._imports.chain((source, name)))
        return self._module_origin(submodule, name)

    def _module_origin(self, file: Path | None, name: str) -> Origin:
        """Return the origin of a module; of a library's name if there is no file of the project."""
        return Origin((), name) if file is None else self._origin_of([(file, "")])

    def _origin_of(self, chain: Sequence[DefinitionSite]) -> Origin:
        """Return the origin of a name of the project.

        Args:
            chain: Sites by which modules pass it on, the definition last.
        """
        sites = []
        for file, name in chain:
            path = file.parent if file.stem == "__init__" else file.with_suffix("")
            module = path.relative_to(self.modules.root).as_posix()
            sites.append(NameInModule(module.removeprefix(f"{SOURCE_FOLDER}/"), name))
        file, name = chain[-1]
        return Origin(tuple(sites), sites[-1].name, self.modules.values(file).get(name, ()))
