"""Define what a user can ask for to widen or narrow the space of a race."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traingate.races.space import Axis


@dataclass(frozen=True)
class Wishes:
    """Wishes of the user that widen or narrow the default space.

    Attributes:
        allowed: Names of layers that change the mathematics and are to be tried too.
        without: Names of axes and of layers to leave out.
        batch_sizes: Batch sizes to try; empty for that of the test.
        workers: Numbers of data workers to try; empty for the default choices.
        environments: Names of environments to try beside the one that a stack needs.
        fewer_cores: True to try a part of the cores too, which pays if they are paid for singly.
        axes: Axes that replace the default ones; None for the default ones.
        kinds: Classes of further layers that these axes name.
    """

    allowed: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    workers: tuple[int, ...] = ()
    environments: tuple[str, ...] = ()
    fewer_cores: bool = False
    axes: tuple[Axis, ...] | None = None
    kinds: Mapping[str, type[Any]] | None = None
