"""Mask passwords, tokens and keys, before a record, a report or a log keeps the text around them.

The worker imports this module, so it imports the standard library alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "[masked]"
"""Text in the place of a secret: always the same, so that secrets never differ between runs."""

_WORD: Final = (
    r"(?:token(?!s|iz)|secret|passw(?:or)?d|passphrase|passwd|credential|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|auth(?!or(?!i[sz]ation))|signature)"
)

_SECRET_NAME: Final = re.compile(
    rf".*(?:{_WORD}|_key(?![a-z])|_pwd(?![a-z])|cookie).*", re.IGNORECASE
)
"""Names of variables whose whole value is a secret."""

_SHAPES: Final = re.compile(
    r"\b(?:gh[oprsu]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}|npm_\w{30,}|pypi-[\w-]{30,}"
    # Of two starts in one word, the later one is bounded: many of them would take quadratic time.
    r"|(?:(?<![\w-])eyJ[\w-]{8,}|(?<=-)eyJ[\w-]{8,250})\.eyJ[\w-]{8,}\.[\w-]*)"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"
)
"""Secrets that are known by their shape: tokens of GitHub, GitLab, Hugging Face, OpenAI, Slack,
AWS, Google, npm and PyPI, JSON web tokens (RFC 7519), and private keys (RFC 7468)."""

_USER_IN_URL: Final = re.compile(
    r"(\b[a-z][a-z0-9+.-]{0,20}://)(?!git@)[^\s/?#\"'<>]*@", re.IGNORECASE
)
"""User and password of a URL, as in proxies, remotes of git and package indexes. The user of git's
own protocol is no secret."""

_ASSIGNED: Final = re.compile(
    rf"({_WORD}[\w-]{{0,40}}[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?(?:(?:bearer|basic)\s{{1,3}})?"
    rf"|--[\w-]{{0,40}}{_WORD}[\w-]{{0,40}}\s{{1,3}}(?!-))"
    r"([^\s&\"',;]+)",
    re.IGNORECASE,
)
"""Values that are assigned to such a name in a command line, in a query of a URL or in a header."""

_SHORTEST: Final = 8
"""Smallest number of characters of a text that can hold a name and a secret, or a shape."""


def masked_text(text: str) -> str:
    """Return a text with the secrets in it masked, as far as their shape or their name shows them.

    Args:
        text: Command line, address, message or other text.
    """
    if len(text) < _SHORTEST:
        return text
    text = _SHAPES.sub(MASK, text)
    text = _USER_IN_URL.sub(rf"\1{MASK}@", text)
    return _ASSIGNED.sub(lambda match: match[0] if match[2] == MASK else match[1] + MASK, text)


def masked_variable(name: str, value: str) -> str:
    """Return the value of an environment variable, masked if its name or shape is a secret's."""
    return MASK if value and _SECRET_NAME.fullmatch(name) else masked_text(value)


def masked_environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment of a record with its secrets masked.

    Args:
        environment: ``Measurement.environment``, of which ``variables`` are masked by name too.
    """
    masked = {name: _masked(value) for name, value in environment.items()}
    variables = environment.get("variables")
    if isinstance(variables, Mapping):
        masked["variables"] = {
            name: masked_variable(name, value) if isinstance(value, str) else value
            for name, value in variables.items()
        }
    return masked


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(item) for name, item in value.items()}
    return value
