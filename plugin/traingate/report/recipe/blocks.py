"""Merge the recipes of a stack, and turn them into blocks of source code for a form of training."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

from traingate.layers.base import Layer, ProcessRequest
from traingate.layers.recipe import (
    OWN_STEP,
    PAIR,
    Recipe,
    RecipeProvider,
    Surroundings,
    TrainingForm,
)
from traingate.layers.stack import Stack
from traingate.report.recipe.process import PlainProcess
from traingate.report.recipe.stored import StoredLayer
from traingate.untrusted.plain_text import without_control_characters

INDENT: Final = "    "

_MAP_TENSORS: Final = '''
def map_tensors(change, batch):
    """Return *batch* with each of its tensors changed, also in lists, tuples and mappings."""
    if isinstance(batch, torch.Tensor):
        return change(batch)
    if isinstance(batch, MutableMapping):
        changed_batch = copy(batch)
        for key, value in batch.items():
            changed_batch[key] = map_tensors(change, value)
        return changed_batch
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(map_tensors(change, value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(map_tensors(change, value) for value in batch)
    return batch
'''
"""Source of ``layers._tensors.map_tensors`` for a plain script."""

_OPTIMIZER_OF_MODEL: Final = (
    "own = set(map(id, model.parameters()))",
    'owners = [each for each in optimizers if id(each.param_groups[0]["params"][0]) in own]',
    "optimizer = owners[0]",
)


@dataclass(frozen=True)
class StackRecipe:
    """Recipe of a whole stack.

    Attributes:
        recipe: Merged recipes of its layers, after what the process needs.
        by_hand: Sentences about layers that have no recipe, one for each.
    """

    recipe: Recipe
    by_hand: tuple[str, ...]


def stack_recipe(stack: Stack, request: ProcessRequest, process: PlainProcess) -> StackRecipe:
    """Return the recipe of *stack*.

    Args:
        stack: Layers.
        request: Merged request of the stack for how the process is started.
        process: Process that runs the script.
    """
    by_hand = [layer for layer in stack.layers if not isinstance(layer, RecipeProvider)]
    recipe = process.recipe.and_then(merged_recipe(stack, request))
    return StackRecipe(recipe, tuple(map(_by_hand, by_hand)))


def merged_recipe(stack: Stack, request: ProcessRequest) -> Recipe:
    """Return the merged recipes of the layers that have one.

    Args:
        stack: Layers.
        request: Merged request of the stack for how the process is started.
    """
    surroundings = Surroundings(frozenset(layer.name for layer in stack.layers), request)
    recipes = (
        layer.recipe(surroundings) for layer in stack.layers if isinstance(layer, RecipeProvider)
    )
    return reduce(Recipe.and_then, recipes, Recipe())


def obstacles(stack: Stack) -> list[str]:
    """Return a sentence for each layer that cannot run under the running interpreter.

    Its request for the process may then lack what is not installed.
    """
    reasons = ((layer.name, layer.unavailable()) for layer in stack.layers)
    return [f"{name} cannot run here: {reason}" for name, reason in reasons if reason is not None]


def _by_hand(layer: Layer) -> str:
    """Return the sentence about a layer without a recipe."""
    options = ", ".join(f"{name}={value!r}" for name, value in layer.options.items())
    kind = type(layer).__name__
    text = f"apply {kind}({options}) by hand: do what {kind}.apply does"
    if isinstance(layer, StoredLayer):
        text = f"apply {layer.name}({options}) by hand: {layer.reason}"
    return " ".join(without_control_characters(text).split())  # the script has it in a comment


def split_imports(
    recipe: Recipe, form: TrainingForm, *, for_script: bool = True
) -> tuple[list[str], list[str]]:
    """Return the import statements of the standard library, and the others, each sorted.

    Args:
        recipe: Recipe of the stack.
        form: Parts that the training has.
        for_script: Whether to import what a whole script needs, beyond the lines of the stack.
    """
    statements = {*recipe.imports}
    if recipe.tensor_changes and form.step != PAIR:
        statements |= {"from collections.abc import MutableMapping", "from copy import copy"}
    if recipe.accumulation > 1:
        statements.add("from contextlib import nullcontext")
    if for_script:
        statements.add("from torch.utils.data import DataLoader")
        if form.step == OWN_STEP:
            statements |= {
                "from contextlib import ExitStack",
                "from contextlib import contextmanager",
            }
            if recipe.forward_wrappers:
                statements.add("from weakref import WeakSet")
    names: dict[str, list[str]] = {}
    for statement in sorted(statements):
        module, separator, name = statement.partition(" import ")
        names.setdefault(module, []).extend([name] if separator else [])
    texts = [
        f"{module} import {', '.join(each)}" if each else module for module, each in names.items()
    ]
    texts.sort(key=lambda text: (text.startswith("from"), text))
    standard = [text for text in texts if _module_of(text) in sys.stdlib_module_names]
    return standard, [text for text in texts if text not in standard]


def _module_of(statement: str) -> str:
    """Return the name of the outermost package that an import statement loads."""
    return statement.split()[1].partition(".")[0]


def functions(recipe: Recipe, form: TrainingForm) -> list[str]:
    """Return the sources of the functions that the script needs, without the step's own."""
    sources = [text.strip("\n") for text in recipe.functions]
    if recipe.tensor_changes and form.step != PAIR:
        sources.append(_MAP_TENSORS.strip("\n"))
    return sources


def batch_lines(recipe: Recipe, form: TrainingForm) -> list[str]:
    """Return the lines that change each tensor of a batch."""
    if form.step == PAIR:
        return [f"inputs, targets = {f}(inputs), {f}(targets)" for f in recipe.tensor_changes]
    return [f"batch = map_tensors({change}, batch)" for change in recipe.tensor_changes]


def optimized_lines(recipe: Recipe, form: TrainingForm) -> list[str]:
    """Return the lines once model and optimizer are built, for each model and each optimizer."""
    lines = list(recipe.optimized)
    if lines and form.has_several_models:
        needs_optimizer = any("optimizer" in line for line in lines)
        body = [*(_OPTIMIZER_OF_MODEL if needs_optimizer else ()), *lines, "return model"]
        lines = [
            "",
            "def optimized(model):",
            *indented(body),
            "",
            "for name in list(model):",
            f"{INDENT}model[name] = optimized(model[name])",
        ]
    if recipe.each_optimizer and form.has_several_optimizers:
        lines += ["for optimizer in optimizers:", *indented(recipe.each_optimizer)]
    else:
        lines += recipe.each_optimizer
    if recipe.loss_scaler:
        lines.append(f"scaler = {recipe.loss_scaler}")
    return lines


def keywords(options: Mapping[str, str]) -> str:
    """Return *options* as keyword arguments that follow other arguments: ``, fused=True``."""
    return "".join(f", {name}={value}" for name, value in options.items())


def indented(lines: Iterable[str], levels: int = 1) -> list[str]:
    """Return *lines* moved to the right by this number of levels."""
    return [textwrap.indent(line, INDENT * levels) for line in lines]
