"""Match the modules of two models, so that an inserted module does not rename those after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Final

import msgspec

from traingate.records.profile import Profile

_MAX_DEPTH: Final = 100
"""Largest number of modules inside of each other that are matched."""

_MAX_WORK: Final = 25_000_000
"""Largest size of the paths of two models, as ``_work`` estimates it, whose modules are matched.

It takes a second. Two models of ten thousand modules have about half of it.
"""

_MAX_COMPARISONS: Final = 20_000_000
"""Largest number of comparisons of classes in one alignment, which take half a second.

Two lists of 270 modules take all of it.
"""


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
    lacks keeps its path, marked if the candidate has another module there. The time is bounded,
    whoever wrote the paths: where there are too many, they are matched by themselves alone.

    Args:
        base: Classes of the base's modules, by path.
        candidate: Classes of the candidate's modules, by path.
    """
    if _work(base) + _work(candidate) > _MAX_WORK:
        return {path: path for path in base}
    matcher = _Matcher()
    children, other_children = _children(base), _children(candidate)
    paths: dict[str, str] = {}

    def align(parent: str, other_parent: str) -> None:
        names = children.get(parent, [])
        other_names = other_children.get(other_parent, [])
        matches = matcher.matched_names(
            [(name, base.get(_joined(parent, name), "")) for name in names],
            [(name, candidate.get(_joined(other_parent, name), "")) for name in other_names],
        )
        present_names = set(other_names)
        for name in names:
            path = _joined(parent, name)
            other_name = matches.get(name)
            if other_name is None:
                other_name = f"{name} of the base" if name in present_names else name
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
    return {parent: sorted(names, key=_position) for parent, names in children.items()}


def _work(types: Mapping[str, str]) -> int:
    """Return an estimate of the characters that ``_children`` and ``aligned_paths`` copy."""
    return sum((path.count(".") + 1) * (len(path) + 50) for path in types)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal()


def _position(name: str) -> tuple[bool, int, str]:
    """Return the key by which names are sorted: numbers by their values, and then the others."""
    digits = name.lstrip("0") if _is_number(name) else ""  # Python refuses int() of 5,000 digits
    return not _is_number(name), len(digits), digits


def _joined(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name


class _Matcher:
    """Matches the modules in one module of the base with those of the candidate."""

    def __init__(self) -> None:
        self._comparisons = 0

    def matched_names(
        self, children: Sequence[tuple[str, str]], other_children: Sequence[tuple[str, str]]
    ) -> dict[str, str]:
        """Return the other name of each child that has a match.

        Args:
            children: Names and classes of the modules in one module of the base.
            other_children: The same of the candidate.
        """
        other_names = {name for name, _ in other_children}
        matches = {
            name: name for name, _ in children if not _is_number(name) and name in other_names
        }
        numbers, other_numbers = (
            [name for name, _ in side if _is_number(name)] for side in (children, other_children)
        )
        kinds, other_kinds = (
            [kind for name, kind in side if _is_number(name)] for side in (children, other_children)
        )
        for start, end, other_start, other_end in self._blocks(kinds, other_kinds):
            matches.update(
                zip(numbers[start:end], other_numbers[other_start:other_end], strict=False)
            )
        return matches

    def _blocks(
        self, kinds: Sequence[str], other_kinds: Sequence[str]
    ) -> Iterable[tuple[int, int, int, int]]:
        """Return the starts and ends of the parts of two lists that are paired by position."""
        count, other_count = len(kinds), len(other_kinds)
        if kinds == other_kinds:
            return [(0, count, 0, other_count)]
        # SequenceMatcher looks at each pair of equal classes, once for each block that it finds.
        comparisons = count * other_count * min(count, other_count)
        if self._comparisons + comparisons > _MAX_COMPARISONS:
            equal = _common_start(kinds, other_kinds)
            rest = _common_start(kinds[equal:][::-1], other_kinds[equal:][::-1])
            middle = (equal, count - rest, equal, other_count - rest)
            return [
                (0, equal, 0, equal), middle, (count - rest, count, other_count - rest, other_count)
            ]  # fmt: skip
        self._comparisons += comparisons
        matcher = SequenceMatcher(None, kinds, other_kinds, autojunk=False)
        return [
            (start, end, other_start, other_end)
            for operation, start, end, other_start, other_end in matcher.get_opcodes()
            if operation in {"equal", "replace"}
        ]


def _common_start(kinds: Sequence[str], other_kinds: Sequence[str]) -> int:
    """Return the number of equal classes at the beginning of two lists."""
    pairs = zip(kinds, other_kinds, strict=False)
    return next(
        (index for index, (kind, other) in enumerate(pairs) if kind != other),
        min(len(kinds), len(other_kinds)),
    )
