"""Write the step of a plain script: forward, loss, backward and update under a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traingate.layers.recipe import OWN_STEP, PAIR, Recipe, TrainingForm
from traingate.report.recipe.blocks import INDENT, indented


@dataclass(frozen=True)
class StepText:
    """Source of a step.

    Attributes:
        header: Loop over the batches of the loader.
        functions: Definitions of functions at the top level of the module.
        before_loop: Statements before the loop.
        lines: Body of the loop, after a batch has been fetched and changed.
    """

    header: str
    functions: list[str]
    before_loop: list[str]
    lines: list[str]


def step_text(recipe: Recipe, form: TrainingForm) -> StepText:
    """Return the step of a training.

    Args:
        recipe: Recipe of the stack.
        form: Parts that the training has.
    """
    if form.step == OWN_STEP:
        lines = ["loss = step(context, batch)", *recipe.step_end]
        return StepText("for batch in loader:", [], [], lines)
    batch = "inputs, targets" if form.step == PAIR else "batch"
    functions = _loss_function(recipe, form)
    body = _evaluated(recipe, _loss_expression(recipe, form))
    before_loop: list[str] = []
    if form.needs_closure:
        body = [
            "def closure():",
            *indented(["optimizer.zero_grad()", *body, "return loss"]),
            "",
            "loss = optimizer.step(closure)",
        ]
        lines = _wrapped(recipe, body, batch, functions)
    elif recipe.accumulation > 1:
        before_loop = ["number = 0  # of the batch"]
        lines = _accumulated(recipe, body)
    else:
        body += _update(recipe)
        lines = ["optimizer.zero_grad()", *_wrapped(recipe, body, batch, functions)]
    return StepText(f"for {batch} in loader:", functions, before_loop, [*lines, *recipe.step_end])


def inside_contexts(contexts: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Return *lines* inside of a ``with`` statement, if there are contexts."""
    if not contexts:
        return list(lines)
    return [f"with {', '.join(contexts)}:", *indented(lines)]


def _loss_expression(recipe: Recipe, form: TrainingForm) -> str:
    """Return the expression of the loss."""
    if form.step == PAIR:
        direct = "criterion(model(inputs), targets)"
        wrapped = "compute_loss(model, inputs, targets, criterion)"
    else:
        direct, wrapped = (
            "train_step(model, batch, criterion)",
            "compute_loss(model, batch, criterion)",
        )
    return wrapped if recipe.forward_wrappers else direct


def _loss_function(recipe: Recipe, form: TrainingForm) -> list[str]:
    """Return the definition of ``compute_loss``, if a layer wraps forward and loss together."""
    if not recipe.forward_wrappers:
        return []
    if form.step == PAIR:
        lines = [
            *_decorators(recipe.forward_wrappers),
            "def compute_loss(model, inputs, targets, criterion):",
            f"{INDENT}return criterion(model(inputs), targets)",
        ]
        return ["\n".join(lines)]
    expression = "train_step"
    for wrapper in recipe.forward_wrappers:
        expression = f"{wrapper}({expression})"
    return [f"compute_loss = {expression}"]


def _evaluated(recipe: Recipe, loss: str) -> list[str]:
    """Return forward, loss and backward."""
    part = "loss" if recipe.accumulation == 1 else f"loss / {recipe.accumulation}"
    if recipe.loss_scaler:
        part = f"scaler.scale({part})"
    elif recipe.accumulation > 1:
        part = f"({part})"
    return [*inside_contexts(recipe.contexts, [f"loss = {loss}"]), f"{part}.backward()"]


def _update(recipe: Recipe) -> list[str]:
    """Return the update of the parameters."""
    if recipe.loss_scaler:
        return ["scaler.step(optimizer)", "scaler.update()"]
    return ["optimizer.step()"]


def _accumulated(recipe: Recipe, body: Sequence[str]) -> list[str]:
    """Return the step of one batch of several, of which only the last one updates parameters."""
    count, context = recipe.accumulation, recipe.accumulation_context
    if context:
        choice = f"nullcontext() if number % {count} == 0 else {context}"
        body = inside_contexts([choice], body)
    return [
        "number += 1",
        f"if number % {count} == 1:",
        f"{INDENT}optimizer.zero_grad()",
        *body,
        f"if number % {count} == 0:",
        *indented(_update(recipe)),
    ]


def _wrapped(recipe: Recipe, body: Sequence[str], batch: str, functions: list[str]) -> list[str]:
    """Return the call of a function with this body if a layer wraps the step, else the body.

    Args:
        recipe: Recipe of the stack.
        body: Forward, loss, backward and update.
        batch: Names of the batch.
        functions: Definitions of functions, to which that of the step is added.
    """
    if not recipe.step_wrappers:
        return list(body)
    scaler = ", scaler" if recipe.loss_scaler else ""
    arguments = f"model, criterion, optimizer{scaler}, {batch}"
    lines = [
        *_decorators(recipe.step_wrappers),
        f"def take_step({arguments}):",
        *indented([*body, "return loss"]),
    ]
    functions.append("\n".join(lines))
    return [f"loss = take_step({arguments})"]


def _decorators(wrappers: Sequence[str]) -> list[str]:
    """Return a decorator for each wrapper; the last wrapper is the outermost, so the first line."""
    return [f"@{wrapper}" for wrapper in reversed(wrappers)]
