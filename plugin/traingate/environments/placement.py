"""Choose the environment that a stack runs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


def place(
    stack: Stack,
    environments: Environments,
    name: str | None = None,
    import_paths: Sequence[str] = (),
) -> Placement:
    """Return the environment that *stack* runs in.

    That is the one with this name. Without a name it is the running one, unless that lacks what a
    layer needs and there is an environment of the name that the layer has in ``environment``.

    Args:
        stack: Layers of a test.
        environments: Environments of the session.
        name: Name of the environment that the test asks for; None if it asks for none.
        import_paths: Folders of the project that the worker will add to ``sys.path``.

    Raises:
        ConfigurationError: If there is no environment of this name, or if it fails to answer.
        WorkloadError: If the worker could not import the class of a layer.
    """
    if name is not None:
        return _in_environment(stack, environments.get(name), import_paths)
    placement = _in_environment(stack, RUNNING, import_paths)
    needed_names = [
        _environment_of(requirement.layer)
        for requirement in placement.examination.missing_requirements
    ]
    for needed_name in dict.fromkeys(filter(None, needed_names)):
        environment = environments.find(needed_name)
        if environment is not None:
            return _in_environment(stack, environment, import_paths)
    return _with_remedies(placement)


def _in_environment(
    stack: Stack, environment: Environment, import_paths: Sequence[str]
) -> Placement:
    interpreter = environment.interpreter
    return Placement(environment, examine(stack, interpreter, import_paths))


def _with_remedies(placement: Placement) -> Placement:
    """Return *placement* whose obstacles also name the command that makes the environment."""
    findings = tuple(map(_with_remedy, placement.examination.findings))
    return replace(placement, examination=replace(placement.examination, findings=findings))


def _with_remedy(finding: LayerFinding) -> LayerFinding:
    name = _environment_of(finding.layer)
    if finding.obstacle is None or name is None:
        return finding
    remedy = f"or in an environment of its own: traingate environment create {name}"
    return replace(finding, obstacle=f"{finding.obstacle}, {remedy}")


def _environment_of(layer: Layer) -> str | None:
    """Return the environment that a layer needs; a user's own may not derive from BaseLayer."""
    name: str | None = getattr(layer, "environment", None)
    return name
