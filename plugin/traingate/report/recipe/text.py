"""Say in a terminal how to have a stack without traingate: variables, command, lines of PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from traingate.layers.base import ProcessRequest
from traingate.layers.recipe import OWN_STEP, Recipe, TrainingForm
from traingate.layers.stack import Stack
from traingate.report.recipe import blocks
from traingate.report.recipe.process import PlainProcess, plain_process
from traingate.report.recipe.step import inside_contexts, step_text
from traingate.report.terminal_text import terminal_line
from traingate.untrusted.plain_text import without_control_characters
from traingate.untrusted.shell_words import shell_word


@dataclass(frozen=True)
class Place:
    """Lines that a stack adds at one place of a script.

    Attributes:
        title: Description of the place.
        lines: Source code.
    """

    title: str
    lines: tuple[str, ...]


def recipe_text(
    stack: Stack,
    request: ProcessRequest | None = None,
    *,
    form: TrainingForm | None = None,
    python: str = "python",
    script: str = "train.py",
    versions: Mapping[str, str] | None = None,
) -> str:
    """Return the sections Environment, Command and PyTorch for *stack*.

    Args:
        stack: Layers; see ``stored.stack_of_records`` for those of a record.
        request: Request of the stack for how the process is started, as the environment that it
            ran in has answered; None for that of the running interpreter.
        form: Parts that the training has; None for a usual step on pairs of inputs and targets.
        python: Path or name of the interpreter.
        script: Path of the user's script.
        versions: Versions of the packages of ``needed_packages``, by name, if the stack needs
            another environment than the running one; None if it does not.

    Raises:
        ConfigurationError: If there are fewer cores than ranks.
    """
    obstacles = blocks.obstacles(stack) if request is None else []
    request = stack.process() if request is None else request
    process = plain_process(request, python, script)
    whole = blocks.stack_recipe(stack, request, process)
    sections = {
        "Environment": [
            *(f"# {obstacle}" for obstacle in obstacles),
            *_environment_lines(whole.recipe, process, python, versions),
        ],
        "Command": [process.command],
        "PyTorch": list(_source_lines(places(whole, form or TrainingForm()))),
    }
    lines = []
    for title, section in sections.items():
        lines += [title, *blocks.indented(section or ["nothing to change"])]
    return without_control_characters("\n".join(lines)) + "\n"


def needed_packages(stack: Stack) -> tuple[str, ...]:
    """Return the names of the distributions that *stack* needs, torch first."""
    request = ProcessRequest()
    return ("torch", *blocks.merged_recipe(stack, request).packages)


def places(whole: blocks.StackRecipe, form: TrainingForm) -> list[Place]:
    """Return the places of a script at which a stack adds lines, in the script's order.

    Args:
        whole: Recipe of the stack.
        form: Parts that the training has.
    """
    recipe = whole.recipe
    standard_imports, other_imports = blocks.split_imports(recipe, form, for_script=False)
    step = step_text(recipe, form)
    optimizer = [f"...(model.parameters(){blocks.keywords(recipe.optimizer)})"]
    loader = [f"DataLoader(dataset{blocks.keywords(recipe.loader)})"]
    candidates = (
        ("at the top, before torch is imported", [*standard_imports, *recipe.before_torch]),
        ("after torch is imported", [*other_imports, *recipe.after_torch]),
        ("functions", _separated([*blocks.functions(recipe, form), *step.functions])),
        ("at the start", recipe.at_start),
        ("once the model is built, before the optimizer", recipe.model),
        ("the optimizer", optimizer if recipe.optimizer else ()),
        ("once the optimizer is built", blocks.optimized_lines(recipe, form)),
        ("the loader", loader if recipe.loader else ()),
        ("before the loop", step.before_loop),
        ("in each step", _step_lines(recipe, form)),
        ("at the end", recipe.at_end),
        ("by hand", [f"# {text}" for text in whole.by_hand]),
    )
    return [Place(title, tuple(lines)) for title, lines in candidates if lines]


def _step_lines(recipe: Recipe, form: TrainingForm) -> list[str]:
    """Return the lines of a step, if the stack changes it."""
    lines = blocks.batch_lines(recipe, form)
    if form.step == OWN_STEP:
        return lines + _own_step_lines(recipe)
    step = step_text(recipe, form)
    if step.lines == step_text(Recipe(), form).lines:
        return lines
    return lines + step.lines


def _own_step_lines(recipe: Recipe) -> list[str]:
    """Return what the stack changes in a step of the user's own, by examples."""
    lines: list[str] = []
    if recipe.forward_wrappers:
        wrapped = "function"
        for wrapper in recipe.forward_wrappers:
            wrapped = f"{wrapper}({wrapped})"
        lines.append(f"function = {wrapped}  # each function of forward and loss, once")
    if recipe.contexts:
        lines += inside_contexts(
            recipe.contexts, ["loss = function(...)  # each part of forward and loss"]
        )
    if recipe.accumulation_context:
        lines += inside_contexts(
            [recipe.accumulation_context],
            ["loss.backward()  # forward and backward that no update follows"],
        )
    return lines + list(recipe.step_end)


def _environment_lines(
    recipe: Recipe, process: PlainProcess, python: str, versions: Mapping[str, str] | None
) -> list[str]:
    """Return the lines that prepare a shell: packages, libraries and variables."""
    lines = []
    if versions is not None:
        lines.append(terminal_line(f"# an environment of its own, with the Python {python}"))
    names = recipe.packages if versions is None else ("torch", *recipe.packages)
    if names:
        lines.append(f"pip install {' '.join(_pinned(name, versions or {}) for name in names)}")
    return [*lines, *recipe.installs, *process.exports]


def _pinned(name: str, versions: Mapping[str, str]) -> str:
    """Return the requirement of a package in this version, without the part for its build."""
    if name not in versions:
        return name
    return shell_word(f"{name}=={versions[name].partition('+')[0]}")


def _separated(functions: list[str]) -> list[str]:
    """Return the lines of functions, with an empty line between them."""
    return "\n\n".join(functions).splitlines()


def _source_lines(parts: list[Place]) -> Iterator[str]:
    """Yield the lines of all places, each after its title as a comment."""
    for number, place in enumerate(parts):
        if number:
            yield ""
        yield f"# {place.title}"
        for line in place.lines:
            yield from line.splitlines() or [""]
