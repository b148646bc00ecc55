"""Ask an environment which requirements of a stack it meets, and how to start the worker there.

Layers look for packages, programs and libraries of the interpreter that they run under. So another
environment is asked by a process of its own interpreter, which imports no torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.environments.answers import ask_program
from traingate.environments.interpreter import Interpreter, child_environment
from traingate.errors import ConfigurationError
from traingate.host.shared_libraries import FURTHER_FOLDER_VARIABLE
from traingate.layers.base import Layer, ProcessRequest
from traingate.layers.stack import MissingRequirement, Stack

_PROGRAM: Final = Path(__file__).parents[1] / "worker" / "examine_layers.py"

_SECONDS: Final = 120.0
"""Longest time that the other interpreter may take; usually it is a fifth of a second."""


@dataclass(frozen=True)
class LayerFinding:
    """Answer of one environment about one layer.

    Attributes:
        layer: Layer.
        obstacle: Reason why it cannot run there and how to change that; None if it can.
        caution: Reason why its throughput on this machine may mislead; None if it does not.
    """

    layer: Layer
    obstacle: str | None
    caution: str | None


@dataclass(frozen=True)
class Examination:
    """Answer of one environment about a stack.

    Attributes:
        findings: Answers about the layers, in the order of the stack.
        request: Request for how the worker's process is to be started.
    """

    findings: tuple[LayerFinding, ...]
    request: ProcessRequest

    @property
    def missing_requirements(self) -> list[MissingRequirement]:
        """Return the requirements that are not met, one for each layer at most."""
        return [
            MissingRequirement(finding.layer, finding.obstacle)
            for finding in self.findings
            if finding.obstacle is not None
        ]

    @property
    def cautions(self) -> list[str]:
        """Return the cautions of the layers about this machine, each after the layer's name."""
        return [
            f"{finding.layer.name}: {finding.caution}"
            for finding in self.findings
            if finding.caution is not None
        ]


def examine(
    stack: Stack, interpreter: Interpreter | None, import_paths: Sequence[str] = ()
) -> Examination:
    """Return the answer of an environment about *stack*.

    Args:
        stack: Layers of a test.
        interpreter: Interpreter of the environment; None for the running one.
        import_paths: Folders of the project that the worker will add to ``sys.path``, where layers
            of the user's own may be.

    Raises:
        ConfigurationError: If the other interpreter fails to answer.
        WorkloadError: If the worker could not import the class of a layer.
    """
    if interpreter is None:
        findings = [
            LayerFinding(layer, layer.unavailable(), layer.caution()) for layer in stack.layers
        ]
        return Examination(tuple(findings), stack.process())
    failure = f"{interpreter.python} cannot examine the layers of this test"
    answer = ask_program(
        [interpreter.python, str(_PROGRAM)],
        _Answer,
        seconds=_SECONDS,
        environment={
            **child_environment(interpreter),
            FURTHER_FOLDER_VARIABLE: f"{sys.prefix}/lib",
        },
        failure=failure,
        question=json.dumps({"layers": stack.factories(), "import_paths": list(import_paths)}),
    )
    if len(answer.findings) != len(stack.layers):
        raise ConfigurationError(f"{failure}: its answer has {len(answer.findings)} of them")
    findings = [
        LayerFinding(layer, *texts)
        for layer, texts in zip(stack.layers, answer.findings, strict=True)
    ]
    return Examination(tuple(findings), answer.request)


@dataclass(frozen=True)
class _Answer:
    """Answer of ``worker/examine_layers.py``."""

    findings: list[tuple[str | None, str | None]]
    request: ProcessRequest
