"""Define the options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import click

_OptionDecorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

STORAGE: Final[_OptionDecorator] = click.option(
    "--storage",
    default=".benchmarks",
    show_default=True,
    help="Folder of the saved runs, as in pytest's --benchmark-storage.",
)


def format_option(help_text: str, *further_forms: str) -> _OptionDecorator:
    """Return the option ``--format``, whose value is the parameter ``form`` of the command.

    Args:
        help_text: Help of the option.
        further_forms: Forms beside ``text``, which is the default, and ``json``.
    """
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", *further_forms]),
        default="text",
        show_default=True,
        help=help_text,
    )


def tolerance_option(help_text: str) -> _OptionDecorator:
    """Return the option ``--tolerance``, in percent.

    Args:
        help_text: Help of the option: what the tolerance is the largest loss of.
    """
    return click.option(
        "--tolerance",
        type=click.FloatRange(0, 50, min_open=True, max_open=True),
        default=5.0,
        show_default=True,
        help=help_text,
    )
