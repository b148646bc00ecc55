"""Write a complete plain script that trains under a stack, with the user's own parts marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import jinja2

from traingate.controller.measure import layer_records
from traingate.errors import ConfigurationError
from traingate.layers.base import ProcessRequest
from traingate.layers.recipe import OWN_STEP, TRAIN_STEP, Recipe, TrainingForm
from traingate.layers.stack import Stack
from traingate.records import stack_label
from traingate.report.recipe import blocks
from traingate.report.recipe.process import PlainProcess, plain_process
from traingate.report.recipe.step import step_text
from traingate.untrusted.plain_text import without_control_characters

_TEMPLATES: Final = Path(__file__).parents[1] / "assets" / "recipe"

_NOTHING: Final = "\0"
"""Line of a rendered template that stands for a block without lines."""

_TWICE: Final = "    # END OF YOURS\n    # YOURS\n"
"""End of one own part that another one follows directly."""

OPTIONS: Final = "{options}"
"""Place in ``OwnParts.optimizer`` for the keyword arguments that layers add."""


@dataclass(frozen=True)
class OwnParts:
    """Parts of a script that are the user's own, each as source code.

    Attributes:
        imports: Imports and definitions at the top level of the module.
        model: Statements that define ``model`` and ``criterion``.
        optimizer: Statements that define ``optimizer``, or ``optimizers`` if there are several;
            with ``{options}`` where keyword arguments can be added, as ``, fused=True``.
        data: Statements that define ``dataset`` and ``batch_size``.
        before_loop: Statements before the first step.
        after_step: Statements after each step; empty for a comment.
        epochs: Expression of the number of passes over the dataset.
    """

    imports: str
    model: str
    optimizer: str
    data: str = "dataset = YourDataset()\nbatch_size = 32"
    before_loop: str = ""
    after_step: str = ""
    epochs: str = "10"


def example_parts(form: TrainingForm) -> OwnParts:
    """Return parts that the user replaces, for a training of this form."""
    names = ["YourDataset", "YourModel"]
    if form.has_collate_fn:
        names.append("collate_fn")
    if form.step in {TRAIN_STEP, OWN_STEP}:
        names.append(form.step)
    model = "YourModel()"
    if form.has_several_models:
        model = 'torch.nn.ModuleDict({"first": YourModel(), "second": YourModel()})'
    optimizer = f"optimizer = torch.optim.SGD(model.parameters(), lr=0.1{OPTIONS})"
    if form.has_several_optimizers:
        of = "model.values()" if form.has_several_models else "model.children()"
        optimizer = (
            "optimizers = [\n"
            f"    torch.optim.SGD(each.parameters(), lr=0.1{OPTIONS}) for each in {of}\n"
            "]"
        )
    return OwnParts(
        imports=f"from your_project import {', '.join(names)}",
        model=f"model = {model}\ncriterion = torch.nn.CrossEntropyLoss()",
        optimizer=optimizer,
    )


def plain_script(
    stack: Stack,
    request: ProcessRequest | None = None,
    *,
    form: TrainingForm | None = None,
    parts: OwnParts | None = None,
    python: str = "python",
    script: str = "train.py",
) -> str:
    """Return a script that trains as under *stack*, and imports nothing of traingate.

    Args:
        stack: Layers; see ``stored.stack_of_records`` for those of a record.
        request: Request of the stack for how the process is started, as the environment that it
            ran in has answered; None for that of the running interpreter.
        form: Parts that the training has; None for a usual step on pairs of inputs and targets.
        parts: The user's own parts; None for parts to be replaced.
        python: Path or name of the interpreter, for the command in the script's docstring.
        script: Path of the script, likewise.

    Raises:
        ConfigurationError: If there are fewer cores than ranks, or if layers add arguments to the
            optimizer and the user's part has no place for them.
    """
    form = form or TrainingForm()
    parts = parts or example_parts(form)
    obstacles = blocks.obstacles(stack) if request is None else []
    request = stack.process() if request is None else request
    process = plain_process(request, python, script)
    whole = blocks.stack_recipe(stack, request, process)
    recipe = whole.recipe
    step = step_text(recipe, form)
    if recipe.optimizer and OPTIONS not in parts.optimizer:
        raise ConfigurationError(
            f"the optimizer of a script takes {blocks.keywords(recipe.optimizer)[2:]}: write "
            f"{OPTIONS} into its arguments"
        )
    loader = {"batch_size": "batch_size", "drop_last": "True"}
    if form.has_collate_fn:
        loader["collate_fn"] = "collate_fn"
    text = _template("train.py.jinja").render(
        about=_about(stack, process, obstacles),
        paragraphs=_paragraphs(recipe, form, parts),
        by_hand=whole.by_hand,
        recipe=recipe,
        form=form,
        parts=parts,
        optimizer=parts.optimizer.replace(OPTIONS, blocks.keywords(recipe.optimizer)),
        functions=[*blocks.functions(recipe, form), *step.functions],
        optimized=blocks.optimized_lines(recipe, form),
        loader={**loader, **recipe.loader},
        batch=blocks.batch_lines(recipe, form),
        step=step,
        is_own_step=form.step == OWN_STEP,
    )
    lines = [line.rstrip() for line in text.split("\n") if line != _NOTHING]
    return "\n".join(lines).replace(_TWICE, "")


def _about(stack: Stack, process: PlainProcess, obstacles: list[str]) -> list[str]:
    """Return comments that say what the script is, and how it is started.

    Texts of a record are a stranger's: each line of theirs is a comment.
    """
    label = stack_label(layer_records(stack))
    texts = [
        f"Training under {label}." if stack.layers else "Training without any layer.",
        "traingate has written this script, which does not import it. Start it by:",
        "",
        *(f"    {line}" for line in (*process.exports, process.command)),
        "",
        *obstacles,
        "Put your own parts in the place of those between the comments YOURS and END OF YOURS.",
    ]
    lines = "\n".join(texts).splitlines()
    return [f"# {without_control_characters(line)}".rstrip() for line in lines]


def _paragraphs(recipe: Recipe, form: TrainingForm, parts: OwnParts) -> list[str]:
    """Return the paragraphs of the module before its functions."""
    standard_imports, other_imports = blocks.split_imports(recipe, form)
    torch_imports = ["import torch", *other_imports]
    own = ["# YOURS", parts.imports, "# END OF YOURS"]
    paragraphs = (standard_imports, recipe.before_torch, torch_imports, recipe.after_torch, own)
    return ["\n".join(lines) for lines in paragraphs if lines]


@cache
def _template(name: str) -> jinja2.Template:
    """Return a template of source code."""
    environment = jinja2.Environment(  # noqa: S701 - source code is not escaped
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["block"] = _block
    return environment.get_template(name)


def _block(lines: Sequence[str] | str, levels: int = 0) -> str:
    """Return lines of source code at this level of indentation."""
    texts = lines.splitlines() if isinstance(lines, str) else lines
    return "\n".join(blocks.indented(texts, levels)) or _NOTHING
