"""Write the test that trains a workload under a stack by its fixtures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from traingate.environments.registry import TODAY
from traingate.layers.base import Layer
from traingate.layers.kinds import KINDS
from traingate.layers.stack import Stack
from traingate.report.plain_text import without_control_characters
from traingate.report.recipe.stored import StoredLayer


def text_of_test(
    test_name: str,
    workload_name: str,
    stack: Stack,
    *,
    arguments: Mapping[str, Any] | None = None,
    environment: str | None = None,
) -> str:
    """Return the source of a test under *stack*.

    A layer whose options are not its defaults on this machine takes them as a parameter of its
    fixture.

    Args:
        test_name: Name of the test.
        workload_name: Name of the workload in the test's module.
        stack: Layers; see ``stored.stack_of_records`` for those of a record.
        arguments: Keyword arguments of the workload.
        environment: Name of the environment that the stack ran in; None for the running one.
    """
    fixtures = ["training_benchmark"]
    marks: list[str] = []
    own_layers: list[str] = []
    for layer in stack.layers:
        if KINDS.get(layer.name) is not type(layer):
            own_layers.append(_own_layer(layer))
            continue
        fixtures.append(layer.name)
        choice = _choice(layer)
        if choice is not None:
            marks.append(_mark(layer.name, choice))
    if environment not in {None, TODAY}:
        fixtures.append("environment")
        marks.append(_mark("environment", repr(environment)))
    call = [workload_name, *(f"{name}={value!r}" for name, value in (arguments or {}).items())]
    if own_layers:
        call.append(f"layers=[{', '.join(own_layers)}]")
    name = re.sub(r"\W", "_", test_name)
    lines = [
        *(("import pytest", "", "") if marks else ()),
        *marks,
        f"def {name}({', '.join(fixtures)}):",
        f"    training_benchmark({', '.join(call)})",
    ]
    return without_control_characters("\n".join(lines)) + "\n"


def _mark(name: str, choice: str) -> str:
    """Return the decorator that gives a fixture its only parameter."""
    return f'@pytest.mark.parametrize("{name}", [{choice}], indirect=True)'


def _choice(layer: Layer) -> str | None:
    """Return the parameter of a layer's fixture as source code; None for the defaults.

    It has the options that differ from the defaults of this machine. The first option alone is
    given by its value, unless the fixture takes such a value for something else.
    """
    options = dict(layer.options)
    try:
        defaults = dict(type(layer)().options)
    except TypeError:  # an option without a default
        defaults = {}
    changes = {
        name: value
        for name, value in options.items()
        if name not in defaults or defaults[name] != value
    }
    if not changes:
        return None
    first = next(iter(vars(layer)))
    if changes.keys() == {first} and not isinstance(changes[first], bool | dict | None):
        return repr(changes[first])
    return repr(changes)


def _own_layer(layer: Layer) -> str:
    """Return the expression of a layer that has no fixture."""
    options = ", ".join(
        f"{name}={value!r}" for name, value in layer.options.items() if name.isidentifier()
    )
    kind = type(layer).__name__
    if isinstance(layer, StoredLayer):  # its class has a name like that, if it is a user's own
        kind = "".join(part.capitalize() for part in re.split(r"\W|_", layer.name))
    return f"{kind}({options})"
