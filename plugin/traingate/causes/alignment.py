"""Match the modules of two models, so that an inserted module does not rename those after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final

import msgspec

from traingate.records.profile import Profile

_MAX_DEPTH: Final = 100
"""Largest number of modules inside of each other that are matched."""


def with_modules_of(candidate: Profile, base: Profile) -> Profile:
    """Return the profile of the base, with its modules under the paths that the candidate has."""
    paths = aligned_paths(base.module_types, candidate.module_types)
    if all(old == new for old, new in paths.items()):
        return base
    return msgspec.structs.replace(
        base,
        cells=tuple(
            msgspec.structs.replace(cell, module=paths.get(cell.module, cell.module))
            for cell in base.cells
        ),
        module_types={paths.get(path, path): kind for path, kind in base.module_types.items()},
    )


def aligned_paths(base: Mapping[str, str], candidate: Mapping[str, str]) -> dict[str, str]:
    """Return the path in the candidate of each module of the base.

    Modules with a number for a name (those of ``Sequential`` and ``ModuleList``) are matched by
    their order and by their classes, and all others by their names. A module that the candidate
    lacks keeps its path, marked if the candidate has another module there.

    Args:
        base: Classes of the base's modules, by path.
        candidate: Classes of the candidate's modules, by path.
    """
    children, other_children = _children(base), _children(candidate)
    paths: dict[str, str] = {}

    def align(parent: str, other_parent: str) -> None:
        names = children.get(parent, [])
        other_names = other_children.get(other_parent, [])
        matches = _matched_names(
            [(name, base.get(_joined(parent, name), "")) for name in names],
            [(name, candidate.get(_joined(other_parent, name), "")) for name in other_names],
        )
        for name in names:
            path = _joined(parent, name)
            other_name = matches.get(name)
            if other_name is None:
                other_name = f"{name} of the base" if name in other_names else name
            paths[path] = _joined(other_parent, other_name)
            align(path, paths[path])

    align("", "")
    return paths


def _children(types: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the names of the modules in each module, in their order; "" has the outermost.

    Paths that no model has, with an empty name or with very many names, are left out.
    """
    children: dict[str, dict[str, None]] = defaultdict(dict)
    for path in types:
        names = path.split(".")
        if not all(names) or len(names) > _MAX_DEPTH:
            continue
        for length in range(len(names)):
            children[".".join(names[:length])][names[length]] = None
    return {
        parent: sorted(
            names, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0)
        )
        for parent, names in children.items()
    }


def _joined(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name


def _matched_names(
    children: Sequence[tuple[str, str]], other_children: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Return the other name of each child that has a match.

    Args:
        children: Names and classes of the modules in one module of the base.
        other_children: The same of the candidate.
    """
    other_names = {name for name, _ in other_children}
    matches = {name: name for name, _ in children if not name.isdecimal() and name in other_names}
    numbered, other_numbered = (
        [(name, kind) for name, kind in side if name.isdecimal()]
        for side in (children, other_children)
    )
    matcher = SequenceMatcher(
        None, [kind for _, kind in numbered], [kind for _, kind in other_numbered], autojunk=False
    )
    for operation, start, end, other_start, other_end in matcher.get_opcodes():
        if operation in {"equal", "replace"}:
            pairs = zip(numbered[start:end], other_numbered[other_start:other_end], strict=False)
            matches.update((name, other_name) for (name, _), (other_name, _) in pairs)
    return matches
