"""Collect the layers, and the environment, that the fixtures of one test ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from traingate.errors import ConfigurationError
from traingate.layers.base import Layer
from traingate.layers.kinds import KINDS

LAYER_NAMES = frozenset(
    name for kind in KINDS.values() for name in (kind.name, kind.extra) if isinstance(name, str)
)
"""Names of the layers of traingate, and of the extras that install what some of them need."""


ENVIRONMENT: Final = "environment"
"""Name of the fixture of the environment."""


@dataclass
class RequestedLayers:
    """Layers that the fixtures of one test have added.

    Attributes:
        layers: Layers, in the order in which pytest set up their fixtures.
        problems: Error messages of layers that could not be made.
        answered_names: Names of the layers whose fixtures have run, also those that a parameter of
            False or None leaves out.
        environment: Name of the environment that the test asks for; None if it asks for none.
        is_measured: True once ``training_benchmark`` has taken the layers.
    """

    layers: list[Layer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    answered_names: set[str] = field(default_factory=set)
    environment: str | None = None
    is_measured: bool = False

    def add(self, kind: type[Any], choice: object) -> Layer | None:
        """Add the layer of this class, and return it; None if *choice* is False or None.

        Args:
            kind: Class of the layer.
            choice: Parameter of its fixture.
        """
        if self.is_measured:
            pytest.fail(
                f"{kind.name} was set up after training_benchmark had measured without it: request "
                "it as an argument of the test",
                pytrace=False,
            )
        self.answered_names.add(kind.name)
        if choice is False or choice is None:
            return None
        try:
            layer = _make_layer(kind, choice)
        except ConfigurationError as error:
            # ``training_benchmark`` raises the error later. If the fixture failed instead,
            # pytest-benchmark would also warn that its own fixture was not used.
            self.problems.append(str(error))
            return None
        self.layers.append(layer)
        return layer

    def collect(self, request: pytest.FixtureRequest) -> list[Layer]:
        """Return the layers that the test asks for, also those whose fixtures have not run yet.

        ``training_benchmark`` may be called in a fixture that is set up before a layer's. A layer's
        name that is parametrised without ``indirect=True`` stands for the same choice.

        Args:
            request: Request of a fixture of the test.

        Raises:
            ConfigurationError: If a layer could not be made, if a fixture of the project replaces
                that of a layer, or if the name of an environment is no text.
        """
        callspec = getattr(request.node, "callspec", None)
        parameters = {} if callspec is None else callspec.params
        for name in sorted(KINDS.keys() & set(request.fixturenames)):
            value = request.getfixturevalue(name)
            if name in self.answered_names:
                continue
            if name not in parameters or value is not parameters[name]:
                raise ConfigurationError(replaced_fixture_text(name))
            self.add(KINDS[name], value)
        if ENVIRONMENT in request.fixturenames:
            value = request.getfixturevalue(ENVIRONMENT)
            if self.environment is None and _is_parametrised_directly(request.node, ENVIRONMENT):
                self.environment = value
        environment: object = self.environment
        if not isinstance(environment, str | None):
            self.problems.append(
                f"environment takes the name of an environment, not {self.environment!r}"
            )
        self.is_measured = True
        if self.problems:
            raise ConfigurationError("\n".join(self.problems))
        return self.layers


def _make_layer(kind: type[Any], choice: object) -> Layer:
    """Return a layer by the parameter of its fixture."""
    try:
        if choice is True:
            layer: Layer = kind()
        elif isinstance(choice, dict):
            layer = kind(**choice)
        else:
            layer = kind(choice)
    except TypeError as error:
        raise ConfigurationError(
            f"{kind.name}: {error}. Give its choice as "
            f'@pytest.mark.parametrize("{kind.name}", [...], indirect=True).'
        ) from error
    return layer


def _is_parametrised_directly(item: pytest.Item, name: str) -> bool:
    """Return whether a test has a parameter of this name without ``indirect=True``.

    A project may have a fixture of the name for a purpose of its own.
    """
    information = getattr(item, "_fixtureinfo", None)
    definitions = getattr(information, "name2fixturedefs", {}).get(name, [])
    return bool(definitions) and definitions[-1].func.__module__.startswith("_pytest.")


def replaced_fixture_text(name: str, place: str = "") -> str:
    """Return the error message for a fixture of the project that replaces that of a layer.

    Args:
        name: Name of the fixture.
        place: Description of where the fixture is defined, empty if unknown.
    """
    return (
        f"the project's fixture {name}{place} replaces the layer of that name, so that the test "
        f"would be measured without it: rename the fixture, or let it request {name} and return it"
    )
