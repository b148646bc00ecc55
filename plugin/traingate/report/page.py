"""Build pages that work offline, and on which a stranger's text is nothing but text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from traingate.untrusted.plain_text import without_control_characters

_ASSETS: Final = Path(__file__).parent / "assets"

_ESCAPES: Final = {
    ord(character): f"\\u{ord(character):04x}" for character in ("<", ">", "&", "\u2028", "\u2029")
}
"""Characters of JSON that could end a script element, or a line of JavaScript."""


def asset(name: str) -> str:
    """Return the text of a file that belongs to pages: a library, a script or a style sheet."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def page_environment() -> jinja2.Environment:
    """Return an environment of the templates that escapes all texts, and cleans them before."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data"] = json_data
    return environment


def clean(text: str) -> str:
    """Return a text without control characters, and with lone surrogates written out."""
    return without_control_characters(text)


def json_data(value: Any) -> Markup:
    """Return a value as the content of a script element of type ``application/json``.

    Args:
        value: Plain value, whose texts may be anybody's.

    Raises:
        ValueError: If a number is infinite or not a number, which JSON cannot express.
    """
    text = json.dumps(_cleaned(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # None of these characters is part of JSON's own syntax, so all are inside of strings.
    return Markup(text.translate(_ESCAPES))  # noqa: S704 - nothing in it can end the element


def content_security_policy(scripts: Iterable[str]) -> str:
    """Return a policy that runs these inline scripts only, and loads nothing at all.

    Args:
        scripts: Text of each script, exactly as it stands in its element.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def inline(texts: Sequence[str]) -> list[Markup]:
    """Return texts of this package, such as scripts, for a template that must not escape them."""
    return [Markup(text) for text in texts]  # noqa: S704 - files of this package


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _finalized(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _cleaned(value: Any) -> Any:
    """Return a value of JSON with all its texts cleaned, those of keys included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        # Long lists have numbers only, and looking at each one would take most of the time.
        if all(type(item) is float or type(item) is int for item in value):
            return value
        return [_cleaned(item) for item in value]
    return value
