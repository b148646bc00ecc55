"""Choose the environment that a stack runs in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from traingate.environments.examination import Examination, LayerFinding, examine
from traingate.environments.registry import RUNNING, Environment, Environments
from traingate.layers.base import Layer
from traingate.layers.stack import Stack


@dataclass(frozen=True)
class Placement:
    """Environment that a stack runs in, and what it answers about the stack.

    Attributes:
        environment: Environment that the worker runs in.
        examination: Requirements that it does not meet, cautions, and the request for how the
            worker's process is to be started.
    """

    environment: Environment
    examination: Examination


PathsFor: TypeAlias = Callable[[Environment], Sequence[str]]
"""Function from an environment to the folders that a worker there adds to ``sys.path``."""


def place(
    stack: Stack, environments: Environments, name: str | None, paths_for: PathsFor
) -> Placement:
    """Return the environment that *stack* runs in.

    That is the one with this name. Without a name it is the running one, unless that lacks what a
    layer needs and there is an environment of the name that the layer has in ``environment``.

    Args:
        stack: Layers of a test.
        environments: Environments of the session.
        name: Name of the environment that the test asks for; None if it asks for none.
        paths_for: Function that returns the folders of the project, where layers may be.

    Raises:
        ConfigurationError: If there is no environment of this name, or if it fails to answer.
        WorkloadError: If the worker could not import the class of a layer.
    """
    if name is not None:
        return place_in(stack, environments.get(name), paths_for)
    placement = place_in(stack, RUNNING, paths_for)
    needed_names = [
        needed_environment(requirement.layer)
        for requirement in placement.examination.missing_requirements
    ]
    for needed_name in dict.fromkeys(filter(None, needed_names)):
        environment = environments.find(needed_name)
        if environment is not None:
            return place_in(stack, environment, paths_for)
    return _with_remedies(placement)


def place_in(stack: Stack, environment: Environment, paths_for: PathsFor) -> Placement:
    """Return the placement of *stack* in an environment, whether or not it can run there."""
    return Placement(environment, examine(stack, environment.interpreter, paths_for(environment)))


def _with_remedies(placement: Placement) -> Placement:
    """Return *placement* whose obstacles also name the command that makes the environment."""
    findings = tuple(map(_with_remedy, placement.examination.findings))
    return replace(placement, examination=replace(placement.examination, findings=findings))


def _with_remedy(finding: LayerFinding) -> LayerFinding:
    """Return *finding* with the second remedy, if a package is what the layer lacks."""
    name = needed_environment(finding.layer)
    if name is None or "pip install" not in (finding.obstacle or ""):
        return finding
    remedy = f"or in an environment of its own: traingate environment create {name}"
    return replace(finding, obstacle=f"{finding.obstacle}, {remedy}")


def needed_environment(layer: Layer) -> str | None:
    """Return the environment that a layer needs; a user's own may not derive from BaseLayer."""
    name: str | None = getattr(layer, "environment", None)
    return name
