"""Find the choices that make candidates fail. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from traingate.races.space import Point

_BLAMED_FAILURES: Final = 2
"""Number of failures for which a choice is blamed, after which no other candidate has it."""


def closed_choices(failed: Collection[Point], succeeded: Collection[Point]) -> set[tuple[int, int]]:
    """Return the choices that explain the failures, as pairs of an axis and an index.

    A choice is blamed for the failure of a candidate whose other choices have all succeeded in
    other candidates.

    Args:
        failed: Candidates that have failed, or that were too large.
        succeeded: Other candidates that have been measured.
    """
    innocent = {choice for point in succeeded for choice in enumerate(point)}
    suspects = [set(enumerate(point)) - innocent for point in failed]
    counts = Counter(choice for choices in suspects if len(choices) == 1 for choice in choices)
    return {choice for choice, count in counts.items() if count >= _BLAMED_FAILURES}
