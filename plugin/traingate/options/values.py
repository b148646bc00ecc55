"""Parse the texts of options, ini keys and marker arguments, and say what is wrong with them."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def positive_integer(text: str) -> int:
    """Return a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number of at least 1, not {text!r}")
    return value


def positive_number(text: str) -> float:
    """Return a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"needs a number above 0, not {text!r}")
    return value


def percent(text: str) -> float:
    """Return a tolerance in percent; twice the tolerance must be less than the whole throughput."""
    value = positive_number(text.removesuffix("%"))
    if value >= 50:  # noqa: PLR2004 - the docstring explains it
        raise argparse.ArgumentTypeError(f"needs a percentage below 50, not {text!r}")
    return value


def names(text: str) -> frozenset[str]:
    """Return the names in a list that is separated by commas."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError(f"takes names with commas between them, not {text!r}")
    return names


def named_path(text: str) -> tuple[str, str]:
    """Return the name and the path of ``NAME=PATH``."""
    name, _, path = (part.strip() for part in text.partition("="))
    if not name or not path:
        raise argparse.ArgumentTypeError(f"takes NAME=PATH, not {text!r}")
    if name == "today":
        raise argparse.ArgumentTypeError("cannot name today, in which pytest runs")
    return name, path


def nonempty(text: str) -> str:
    """Return a text without the spaces around it; it must not be empty then."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text.strip()


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a function that checks that a text is one of *choices*."""

    def parse(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"takes one of {', '.join(choices)}, not {text!r}")
        return text

    return parse
