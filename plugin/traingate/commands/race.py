"""Print the answer of a race."""

from __future__ import annotations

import io
import shutil
import sys
from typing import Final

from rich.console import Console

from traingate.commands.output import print_json, print_rendered
from traingate.races.answer import Answer
from traingate.records.race import Race
from traingate.report.race import print_answer

_PLAIN_WIDTH: Final = 140
"""Width of the text if it is written to no terminal."""


def print_race(race: Race, result: Answer, form: str) -> None:
    """Print a race to the standard output.

    Args:
        race: Race.
        result: Its answer.
        form: ``text`` for the answer, or ``json`` for the record.
    """
    if form == "json":
        print_json(race)
        return
    is_terminal = sys.stdout.isatty()
    text = io.StringIO()
    console = Console(
        file=text,
        highlight=False,
        force_terminal=is_terminal,
        width=shutil.get_terminal_size().columns if is_terminal else _PLAIN_WIDTH,
    )
    print_answer(console, race, result)
    print_rendered(text.getvalue())
