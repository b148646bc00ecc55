"""Quote words that a stranger may have written, for commands that somebody copies into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable


def shell_word(text: str) -> str:
    """Return a text as one word of a command, without the characters that are not shown.

    Reports and terminals leave out control sequences. Part of one could be a quote, so they are
    left out before the text is quoted.
    """
    return shlex.quote(_shown(text))


def is_test_argument(name: str) -> bool:
    """Return whether pytest takes *name* for the name of a test, and for nothing else.

    An option would be one in quotes too. Characters that are not shown are left out first.
    """
    shown = _shown(name)
    return "::" in shown and not shown.startswith(("-", "@"))


def shell_command(words: Iterable[str]) -> str:
    """Return words as a command, see ``shell_word``."""
    return " ".join(map(shell_word, words))


def _shown(text: str) -> str:
    return "".join(filter(str.isprintable, text))
