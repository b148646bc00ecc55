"""Make the space of a race, from what its test and the user ask for."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass, field, replace
from pathlib import Path

from traingate.environments.placement import needed_environment, place
from traingate.environments.registry import Environments
from traingate.layers.base import Layer
from traingate.layers.kinds import KINDS
from traingate.layers.stack import Stack
from traingate.races.default_space import AS_IN_TEST, make_space
from traingate.races.space import Axis, Space, without_empty_axes
from traingate.races.space_file import read_space
from traingate.races.wishes import Wishes
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest


def requested_space(
    session: Session, request: BenchmarkRequest, wishes: Wishes, space_file: Path | None
) -> tuple[Space, dict[str, str]]:
    """Return the space of a test, and what was left out of it.

    Args:
        session: Session of the test.
        request: What the test asks for.
        wishes: Wishes of the user.
        space_file: TOML file with the axes; None for the default ones.

    Raises:
        ConfigurationError: If a wish, the file or an environment does not exist, or if nothing is
            left to choose.
    """
    environments = Environments(session.settings.environment)
    names: list[str | None] = [request.environment, *wishes.environments]
    if space_file is not None:
        axes, kinds = read_space(space_file)
        wishes = replace(wishes, axes=axes, kinds=kinds)
        names += [choice.environment for axis in axes for choice in axis.choices]
    for name in names[1:]:
        if name is not None:
            environments.get(name)

    def find_obstacle(layer: Layer) -> str | None:
        """Return why none of the environments of the race can run a layer."""
        stack = Stack.of([layer])
        reasons = []
        for name in dict.fromkeys(names):
            placement = place(
                stack, environments, name, lambda it: session.jobs.paths_for(request.workload, it)
            )
            missing = placement.examination.missing_requirements
            if not missing:
                return None
            reasons.append(missing[0].reason)
        return reasons[0]

    return make_space(
        request.stack.layers,
        wishes,
        find_obstacle,
        _PlacementCheck(session, request),
        request.environment,
    )


def without_size_of_plain(space: Space, batch_size: int) -> Space:
    """Return the space without the choice of the batch size that the workload has by itself.

    Args:
        space: Space.
        batch_size: Samples per step of the plain workload.
    """
    axes = [
        Axis(axis.name, tuple(each for each in axis.choices if each.label != str(batch_size)))
        if axis.choices[0] == AS_IN_TEST and axis.name == "batch_size"
        else axis
        for axis in space.axes
    ]
    return replace(space, axes=without_empty_axes(axes))


@dataclass(frozen=True)
class _PlacementCheck:
    """Check whether stacks can run in environments, which asks each environment once."""

    session: Session
    request: BenchmarkRequest
    _answers: dict[tuple[str, str | None], bool] = field(default_factory=dict)

    def __call__(self, stack: Stack, environment: str | None) -> bool:
        """Return whether a stack can run in the environment of this name, or that it needs."""
        demanding = Stack(tuple(layer for layer in stack.layers if needed_environment(layer)))
        if not demanding.layers:
            return True
        key = repr(demanding.factories()), environment
        if key not in self._answers:
            jobs = self.session.jobs
            placement, _ = jobs.place(demanding, self.request.workload, environment)
            self._answers[key] = not placement.examination.missing_requirements
        return self._answers[key]


def source_digests(space: Space) -> dict[str, str]:
    """Return digests of the files that define the user's own layers of a space, by class."""
    digests = {}
    for name, kind in space.kinds.items():
        if KINDS.get(name) is not kind:
            file = inspect.getsourcefile(kind)
            content = Path(file).read_bytes() if file else b""
            digests[name] = hashlib.sha256(content).hexdigest()
    return digests
