"""Find the groups of cells that explain a change: by operator, by module, by phase, or by all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from traingate.causes.cells import CellChange

_MIN_SHARE: Final = 0.15
"""Smallest share of the change that is named as a cause."""

_MAX_CAUSES: Final = 5

_MAX_NAMES: Final = 100
_MAX_CHARACTERS: Final = 2000
"""Largest path of a module of which the modules around it are looked at too."""

_PROPORTIONAL: Final = 0.5
"""Smallest ratio between the relative change of all other cells and that of a group, from which on
the group is no cause: everything has become slower, and the group is merely large."""

_MIN_OTHER_CALLS: Final = 0.5
"""Smallest part of a group's change in operators that are called more or less often, from which on
the group does other work than before."""

_EQUAL_SHARE: Final = 0.1
"""Relative difference of two scores, up to which the more specific group is preferred."""


@dataclass(frozen=True)
class Group:
    """Cells that have a phase, a module or an operator in common.

    Attributes:
        phase: Common phase; None if they are in several.
        module: Common beginning of the paths of their modules, in which ``*`` stands for any
            number; empty outside of all modules; None if they are in several.
        operator: Common operator; None if there are several.
        cells: The cells.
    """

    phase: str | None
    module: str | None
    operator: str | None
    cells: tuple[CellChange, ...]

    @property
    def change(self) -> float:
        """Return the change of all cells in seconds per step."""
        return sum(cell.change for cell in self.cells)

    @property
    def base_seconds(self) -> float:
        """Return the seconds per step of the base in all cells."""
        return sum(cell.base_seconds for cell in self.cells)

    @property
    def seconds(self) -> float:
        """Return the seconds per step of the candidate in all cells."""
        return sum(cell.seconds for cell in self.cells)

    @property
    def base_calls(self) -> float:
        """Return the calls per step of the base, of all operators of the group."""
        return sum(cell.base_calls for cell in self.cells)

    @property
    def calls(self) -> float:
        """Return the calls per step of the candidate, of all operators of the group."""
        return sum(cell.calls for cell in self.cells)


def find_causes(cells: Sequence[CellChange], change: float) -> list[Group]:
    """Return the groups of cells that explain a change, the largest first; no cell is in two.

    Args:
        cells: Changes of the cells.
        change: Change of the whole step, in seconds.
    """
    remaining = list(cells)
    causes: list[Group] = []
    unexplained = change
    while len(causes) < _MAX_CAUSES and unexplained * change > 0:
        cause = _largest_cause(remaining, change, abs(unexplained))
        if cause is None:
            break
        causes.append(cause)
        unexplained -= cause.change
        taken = set(map(id, cause.cells))
        remaining = [cell for cell in remaining if id(cell) not in taken]
    return sorted(causes, key=lambda cause: -abs(cause.change))


def module_keys(path: str) -> Iterator[str]:
    """Yield the beginnings of a module's path, each also with ``*`` in the place of numbers.

    >>> list(module_keys("layer2.0.conv1"))
    ['layer2', 'layer*', 'layer2.0', 'layer2.*', 'layer*.*', 'layer2.0.conv1', 'layer2.*.conv1',
     'layer*.*.conv*']

    Of a path that no model has, it yields the whole path alone: all its beginnings would take time
    and memory that grow with the square of its length.
    """
    if path.count(".") >= _MAX_NAMES or len(path) > _MAX_CHARACTERS:
        yield path
        return
    names = path.split(".") if path else []
    for length in range(1, len(names) + 1):
        beginning = ".".join(names[:length])
        indexes = ".".join("*" if name.isdigit() else name for name in names[:length])
        numbers = re.sub(r"\d+", "*", beginning)
        yield from dict.fromkeys((beginning, indexes, numbers))


def _largest_cause(
    cells: Sequence[CellChange], change: float, unexplained_seconds: float
) -> Group | None:
    """Return the group that explains most with least else in it; None if none explains enough.

    Args:
        cells: Cells that are in no cause yet.
        change: Change of the whole step, in seconds.
        unexplained_seconds: Part of it that no other cause explains, without a sign. What a group
            has changed beyond that, other cells have undone, and it counts against the group.
    """
    sign = 1 if change >= 0 else -1
    scores = [
        (
            min(sign * group.change, 2 * unexplained_seconds - sign * group.change)
            * _concentration(group, sign),
            group,
        )
        for group in _groups(cells, sign, _MIN_SHARE * abs(change))
        if not _is_proportional(group, cells, sign)
    ]
    best = max((score for score, _ in scores), default=0.0)
    if best <= 0:
        return None
    # Groups of nearly the same cells have several descriptions.
    equal = [group for score, group in scores if score >= (1 - _EQUAL_SHARE) * best]
    return max(equal, key=_specificity, default=None)


def _groups(cells: Iterable[CellChange], sign: int, needed: float) -> Iterator[Group]:
    """Yield all groups with at least the *needed* change.

    All cells are no group, nor are those outside of modules, which have nothing in common.
    """
    members: dict[tuple[str | None, str | None, str | None], list[CellChange]] = defaultdict(list)
    for cell in cells:
        modules = [None, *(module_keys(cell.module) if cell.module else [""])]
        for key in product((None, cell.phase), modules, (None, cell.operator)):
            members[key].append(cell)
    for (phase, module, operator), group_cells in members.items():
        if phase is operator is None and not module:
            continue
        if sign * sum(cell.change for cell in group_cells) >= needed:
            yield Group(phase, module, operator, tuple(group_cells))


def _concentration(group: Group, sign: int) -> float:
    """Return the change of a group, relative to its time on the side on which it is longer.

    It is 1 if all of the group is new or gone.
    """
    longest = max(sum(cell.seconds for cell in group.cells), group.base_seconds)
    return sign * group.change / longest if longest else 0.0


def _specificity(group: Group) -> tuple[bool, int, int, bool]:
    """Return how much a group's description says, to be compared with that of another one."""
    module = group.module or ""
    depth = len(module.split(".")) if module else 0
    return group.operator is not None, depth, -module.count("*"), group.phase is not None


def _has_other_calls(group: Group, sign: int) -> bool:
    """Return whether most of the change is in operators whose number of calls has changed too."""
    in_other_calls = sum(
        cell.change for cell in group.cells if sign * (cell.calls - cell.base_calls) > 0
    )
    return sign * in_other_calls >= _MIN_OTHER_CALLS * sign * group.change


def _is_proportional(group: Group, cells: Sequence[CellChange], sign: int) -> bool:
    """Return whether the other cells have changed about as much, relative to their time.

    Then the machine has become slower or faster, unless the group does other work than before.
    """
    if _has_other_calls(group, sign):
        return False
    rest_seconds = sum(cell.base_seconds for cell in cells) - group.base_seconds
    rest_change = sign * (sum(cell.change for cell in cells) - group.change)
    if rest_seconds <= 0 or group.base_seconds <= 0 or rest_change <= 0:
        return False
    relative_change = sign * group.change / group.base_seconds
    return rest_change / rest_seconds >= _PROPORTIONAL * relative_change
