"""Write the test that trains a workload under a stack by its fixtures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from traingate.environments.registry import TODAY
from traingate.layers.base import Layer
from traingate.layers.kinds import KINDS
from traingate.layers.stack import Stack
from traingate.report.recipe.stored import StoredLayer
from traingate.untrusted.plain_text import without_control_characters


def text_of_test(
    test_name: str,
    workload_name: str,
    stack: Stack,
    *,
    arguments: Mapping[str, Any] | None = None,
    environment: str | None = None,
    classes: Mapping[str, str] | None = None,
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
        classes: Classes of the user's own layers as ``module:Class``, by the names of the layers.
    """
    fixtures = ["training_benchmark"]
    marks: list[str] = []
    own_layers: list[str] = []
    imports: list[str] = []
    for layer in stack.layers:
        if KINDS.get(layer.name) is not type(layer):
            module, _, kind = _class_of(layer, classes or {}).rpartition(":")
            imports += [f"from {module} import {kind.partition('.')[0]}"] if module else []
            own_layers.append(_own_layer(layer, kind))
            continue
        fixtures.append(layer.name)
        choice = _choice(layer)
        if choice is not None:
            marks.append(_mark(layer.name, choice))
    if environment not in {None, TODAY}:
        fixtures.append("environment")
        marks.append(_mark("environment", repr(environment)))
    call = [workload_name, *_arguments(arguments or {})]
    if own_layers:
        call.append(f"layers=[{', '.join(own_layers)}]")
    name = re.sub(r"\W", "_", test_name)
    imports = [*(["import pytest"] if marks else []), *dict.fromkeys(imports)]
    lines = [
        *imports,
        *(("", "") if imports else ()),
        *marks,
        f"def {name}({', '.join(fixtures)}):",
        f"    training_benchmark({', '.join(call)})",
    ]
    return without_control_characters("\n".join(lines)) + "\n"


def _arguments(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield keyword arguments as source code; a record of a stranger may name them in any way."""
    for name, value in arguments.items():
        yield f"{name}={value!r}" if name.isidentifier() else f"**{ {name: value}!r}"


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


_CLASS: Final = re.compile(r"[\w.]+:[\w.]+")
"""Class as ``module:Class``. A record may have other texts."""


def _class_of(layer: Layer, classes: Mapping[str, str]) -> str:
    """Return the class of a layer that has no fixture as ``module:Class``.

    Without a module if that is not known.
    """
    if not isinstance(layer, StoredLayer):
        return f"{type(layer).__module__}:{type(layer).__qualname__}"
    if _CLASS.fullmatch(classes.get(layer.name, "")):
        return classes[layer.name]
    return "".join(part.capitalize() for part in re.split(r"\W|_", layer.name))


def _own_layer(layer: Layer, kind: str) -> str:
    """Return the expression of a layer that has no fixture."""
    options = ", ".join(
        f"{name}={value!r}" for name, value in layer.options.items() if name.isidentifier()
    )
    return f"{kind}({options})"
