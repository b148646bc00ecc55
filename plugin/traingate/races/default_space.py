"""Make the space of a race: by default, every layer that does not change the mathematics."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from traingate.errors import ConfigurationError
from traingate.layers.base import Layer
from traingate.layers.kinds import KINDS
from traingate.layers.stack import Stack
from traingate.protocol.json_values import JSON
from traingate.races.machine_choices import core_choices, rank_counts, runtime_choice
from traingate.races.space import (
    Axis,
    Choice,
    Space,
    full_options,
    make_layer,
    without_empty_axes,
    without_repetitions,
)
from traingate.races.wishes import Wishes

NONE: Final = Choice("none")
"""Default choice of an axis of layers."""

AS_IN_TEST: Final = Choice("as in the test")
"""Default choice of an axis on which the test itself has a value."""

_ALLOCATORS: Final = ("tcmalloc", "jemalloc", "jemalloc-retain", "mimalloc", "glibc")

FindObstacle = Callable[[Layer], str | None]
"""Function that returns why no environment of this machine can run a layer; None if one can."""

CanRun = Callable[[Stack, str | None], bool]
"""Function that returns whether a stack can run in the environment of this name, or in the one that
it needs."""


def make_space(
    test_layers: Sequence[Layer],
    wishes: Wishes,
    find_obstacle: FindObstacle,
    can_run: CanRun = lambda _stack, _environment: True,
    environment: str | None = None,
) -> tuple[Space, dict[str, str]]:
    """Return the space of a test, and what was left out of it.

    Layers of the test that change the mathematics, or that no axis has, belong to all candidates:
    the test asks for them. Its other layers are choices like all others.

    Args:
        test_layers: Layers that the test asks for.
        wishes: Wishes of the user.
        find_obstacle: Function that returns why this machine cannot run a layer.
        can_run: Function that returns whether a candidate can run.
        environment: Name of the environment that the test asks for; None if it asks for none.

    Returns:
        The space; and the reasons why choices cannot run here, by axis and label.

    Raises:
        ConfigurationError: If a wish names no layer, or if nothing is left to choose.
    """
    kinds = {**KINDS, **(wishes.kinds or {})}
    own_names = {axis.name for axis in wishes.axes or ()}
    for name in wishes.allowed:
        if name in _NUMBERED:
            raise ConfigurationError(f"give the numbers of {name} to try: {_NUMBERED[name]}")
    for names, known_names in (
        (wishes.allowed, KINDS.keys()),
        (wishes.without, kinds.keys() | _AXIS_NAMES | own_names),
    ):
        for name in names:
            if name not in known_names:
                known_text = ", ".join(sorted(known_names))
                raise ConfigurationError(f"there is no {name!r}, but: {known_text}")
    axes = list(_default_axes(wishes) if wishes.axes is None else wishes.axes)
    offered = {name for axis in axes for choice in axis.choices for name in choice.options}
    axes += _wished_axes(wishes, {axis.name for axis in axes}, offered)
    fixed = tuple(layer for layer in test_layers if _is_fixed(layer, wishes, axes))
    chosen_layers = [layer for layer in test_layers if layer not in fixed]
    axes = [_with_test_layers(axis, chosen_layers, wishes) for axis in axes]
    left_out: dict[str, str] = {}
    named_axes = [axis for axis in axes if axis.name not in wishes.without]
    available_axes = [
        Axis(axis.name, tuple(_available(axis, kinds, wishes.without, find_obstacle, left_out)))
        for axis in named_axes
    ]
    _check_defaults(named_axes, available_axes, left_out)
    space = Space(without_empty_axes(available_axes), kinds, fixed, can_run, environment)
    space = without_repetitions(space)
    if not set(space.pool([], random.Random(0))) - {space.plain}:  # noqa: S311 - a sample
        reasons = "".join(f"\n  {name}: {reason}" for name, reason in left_out.items())
        fixed_text = ", ".join(layer.name for layer in fixed) or "the test's workload"
        raise ConfigurationError(
            f"nothing is left to choose that can be combined with {fixed_text}{reasons}"
        )
    return space, left_out


def _check_defaults(
    axes: Iterable[Axis], available: Iterable[Axis], left_out: Mapping[str, str]
) -> None:
    """Check that the default of each axis can run: another choice must not take its place.

    Raises:
        ConfigurationError: If one cannot; the message has the reason.
    """
    for axis, available_axis in zip(axes, available, strict=True):
        if available_axis.choices[:1] != axis.choices[:1]:
            default = f"{axis.name}: {axis.choices[0].label}"
            reason = left_out.get(default, "--without leaves it out")
            raise ConfigurationError(f"the default of an axis cannot run: {default}: {reason}")


def _default_axes(wishes: Wishes) -> Iterator[Axis]:
    """Yield the axes of layers from which the losses of plain follow but for rounding."""
    yield Axis("channels_last", (NONE, _single("channels_last")))
    compiled = Choice("torch_compile(ipex)", {"torch_compile": {"backend": "ipex"}})
    compilers = ("compiled_step", "xla_device")
    yield Axis("compiler", (NONE, _single("torch_compile"), compiled, *map(_single, compilers)))
    yield Axis("ipex_optimize", (NONE, _single("ipex_optimize")))
    optimizers = ("foreach_optimizer", "fused_optimizer")
    yield Axis("optimizer", (NONE, *map(_single, optimizers)))
    allocators = (runtime_choice(name, allocator=name) for name in _ALLOCATORS)
    yield Axis("allocator", (Choice("torch's"), *allocators))
    yield Axis("openmp", (Choice("gnu"), runtime_choice("intel", openmp="intel")))
    # tuned_runtime binds in any case.
    unbound = Choice("unbound", excluded=frozenset({"tuned_runtime"}))
    yield Axis("cores", (unbound, *core_choices(fewer=wishes.fewer_cores)))
    yield Axis("huge_pages", (NONE, _single("huge_pages")))
    if not wishes.workers:
        worker = Choice("1 worker", {"data_workers": {"count": 1}})
        yield Axis("loading", (NONE, worker, _single("prefetching_loader")))


_AXIS_NAMES: Final = {
    "channels_last", "compiler", "ipex_optimize", "optimizer", "allocator", "openmp", "cores",
    "huge_pages", "loading", "batch_size", "environment",
}  # fmt: skip
"""Names of the axes of the default space, and of those that options add."""


def _wished_axes(wishes: Wishes, present: set[str], offered: set[str]) -> Iterator[Axis]:
    """Yield the axes that options add to the default ones, or to those of a file.

    Args:
        wishes: Wishes of the user.
        present: Names of the axes that there are.
        offered: Names of the layers that their choices have.

    Raises:
        ConfigurationError: If the file has an axis of that name already.
    """
    for option, name, values in (
        ("--batch-size", "batch_size", wishes.batch_sizes),
        ("--workers", "workers", wishes.workers),
        ("--environment", "environment", wishes.environments),
    ):
        if values and name in present:
            raise ConfigurationError(f"the file has the axis {name} already: leave out {option}")
    for name in dict.fromkeys(wishes.allowed):
        if name not in present | offered:
            yield Axis(name, (NONE, *_choices_of(name)))
    if wishes.batch_sizes:
        sizes = (
            Choice(str(size), {"batch_size": {"samples": size}}) for size in wishes.batch_sizes
        )
        yield Axis("batch_size", (AS_IN_TEST, *sizes))
    if wishes.workers:
        counts = (
            Choice(f"{count} workers", {"data_workers": {"count": count}})
            for count in wishes.workers
        )
        yield Axis("workers", (AS_IN_TEST, *counts))
    if wishes.environments:
        names = (Choice(name, environment=name) for name in dict.fromkeys(wishes.environments))
        yield Axis("environment", (Choice("as needed"), *names))


_NUMBERED: Final = {"batch_size": "--batch-size 2,4", "data_workers": "--workers 0,2"}
"""Layers whose choices are numbers of the user's, by name, with an example of the option."""


def _choices_of(name: str) -> list[Choice]:
    """Return the choices of a layer that changes the mathematics."""
    if name == "float32_precision":
        return [_single(name, format=value) for value in ("bf16", "tf32")]
    if name == "data_parallel":
        return [_single(name, ranks=count) for count in rank_counts()]
    return [_single(name)]


def _with_test_layers(axis: Axis, test_layers: Sequence[Layer], wishes: Wishes) -> Axis:
    """Return the axis with the options that the test gives a layer of it as a further choice.

    Args:
        axis: Axis.
        test_layers: Layers of the test that are choices.
        wishes: Wishes of the user.
    """
    if wishes.axes is not None or axis.name in {"workers", "environment"}:
        return axis
    choices = list(axis.choices)
    for layer in test_layers:
        options = dict(layer.options)
        if layer.name == "tuned_runtime":
            options = {name: options[name] for name in _CORE_OPTIONS if options.get(name)}
            if axis.name == "cores" and options:
                choices.append(Choice(AS_IN_TEST.label, {layer.name: options}))
            continue
        if not any(layer.name in choice.options for choice in choices):
            continue
        made = [
            make_layer(KINDS[layer.name], choice.options[layer.name])
            for choice in choices
            if layer.name in choice.options
        ]
        if all(dict(other.options) != options for other in made):
            choices.append(Choice(_label(layer), {layer.name: options}))
    return Axis(axis.name, tuple(choices))


_CORE_OPTIONS: Final = ("cores", "node", "hyperthreads")
"""Options of ``tuned_runtime`` that belong to the axis of the cores."""


def _available(
    axis: Axis,
    kinds: Mapping[str, type[Any]],
    without: Iterable[str],
    find_obstacle: FindObstacle,
    left_out: dict[str, str],
) -> Iterator[Choice]:
    """Yield the choices that can run; add the reasons for the others to *left_out*."""
    for choice in axis.choices:
        if set(without) & choice.options.keys():
            continue
        obstacle = None
        for name, options in choice.options.items():
            obstacle = obstacle or find_obstacle(
                make_layer(kinds[name], full_options(name, options))
            )
        if obstacle is None:
            yield choice
        else:
            left_out[f"{axis.name}: {choice.label}"] = obstacle


def _is_fixed(layer: Layer, wishes: Wishes, axes: Iterable[Axis]) -> bool:
    """Return whether all candidates have a layer of the test, unless a choice replaces it."""
    if layer.name in {*wishes.allowed, *wishes.without}:
        return False
    chosen_names = {
        name
        for axis in axes
        if axis.choices[0] != AS_IN_TEST
        for choice in axis.choices
        for name in choice.options
    }
    changes_mathematics = getattr(layer, "mathematics", None) is not None
    return layer.name not in chosen_names or (wishes.axes is None and changes_mathematics)


def _single(name: str, **options: JSON) -> Choice:
    """Return the choice of one layer, labelled by its name and its options."""
    values = ", ".join(map(str, options.values()))
    return Choice(f"{name}({values})" if values else name, {name: options})


def _label(layer: Layer) -> str:
    values = ", ".join(str(value) for value in layer.options.values() if value or value is False)
    return f"{layer.name}({values})" if values else layer.name
