"""Define ``traingate environment``: create, list, examine and remove environments."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from traingate.commands.output import exit_without_result, print_on_console, print_text
from traingate.doctor import examine_layers
from traingate.environments.created import (
    create_environment,
    created_environments,
    environments_folder,
    known_names,
    remove_environment,
)
from traingate.environments.interpreter import find_interpreter
from traingate.environments.registry import Environments
from traingate.errors import ConfigurationError
from traingate.report.doctor import print_findings
from traingate.report.terminal_text import terminal_line


@click.group()
def environment() -> None:
    """Create, list, examine and remove environments, in which stacks run.

    They lie in the folder of the variable TRAINGATE_ENVIRONMENTS, else in one of the user's.
    """


@environment.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--python", help="Version or path of the Python [default: the running one].")
@click.option(
    "--requirement",
    "-r",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="Requirements file of your models. May be repeated.",
)
@click.option(
    "--with", "packages", multiple=True, help="Package that your models import. May be repeated."
)
@click.option(
    "--missing", is_flag=True, help="Skip environments that exist with the same versions."
)
def create(
    names: tuple[str, ...],
    python: str | None,
    files: tuple[str, ...],
    packages: tuple[str, ...],
    *,
    missing: bool,
) -> None:
    """Create environments by uv from tested versions, several gigabytes each.

    NAMES are those with tested versions, such as ipex and xla, or torch-X.Y for any torch. Set
    UV_TORCH_BACKEND=cpu to install torch without CUDA.
    """
    arguments = [*(word for file in files for word in ("--requirement", file)), *packages]
    for name in names:
        try:
            folder = create_environment(name, python, arguments, only_if_missing=missing)
        except ConfigurationError as error:
            exit_without_result(error)
        print_text(f"created {name} in {folder}" if folder else f"{name} is there already")


@environment.command("list")
def list_environments() -> None:
    """List the created environments, with their Python and their torch."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "python", "torch", "folder"):
        table.add_column(title, overflow="fold")
    try:
        parent = environments_folder()
        created = created_environments()
    except ConfigurationError as error:
        exit_without_result(error)
    for name, folder in created.items():
        table.add_row(*map(_cell, (name, *_versions(name, folder), str(folder))))
    if created:
        print_on_console(lambda console: console.print(table))
    else:
        print_text(f"No environment in {parent}.")
    absent = [name for name in known_names() if name not in created]
    if absent:
        print_text(f"Tested versions, not created: {', '.join(absent)}")


def _cell(text: str) -> Text:
    """Return a text for a table, in which rich would take brackets for markup."""
    return Text(terminal_line(text))


def _versions(name: str, folder: Path) -> tuple[str, str]:
    """Return the versions of Python and torch in an environment, or its error."""
    try:
        interpreter = find_interpreter(str(folder), f"the environment {name}")
    except ConfigurationError as error:
        return "damaged", str(error)
    return interpreter.version, interpreter.torch


@environment.command()
@click.argument("name")
def doctor(name: str) -> None:
    """Show which layers can run in the environment NAME, and what the others lack there."""
    try:
        interpreter = Environments().get(name).interpreter
        findings = list(examine_layers(interpreter))
    except ConfigurationError as error:
        exit_without_result(error)
    print_on_console(lambda console: print_findings(console, findings))


@environment.command()
@click.argument("names", nargs=-1, required=True)
def remove(names: tuple[str, ...]) -> None:
    """Remove created environments."""
    for name in names:
        try:
            remove_environment(name)
        except ConfigurationError as error:
            exit_without_result(error)
        print_text(f"removed {name}")
