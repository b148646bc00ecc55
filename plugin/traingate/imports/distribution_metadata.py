"""Read the metadata of an installed distribution, of which parts may be missing or damaged.

An interrupted installation leaves files without a name, or cut off; old installers wrote other
encodings than UTF-8. Such files are treated as if they were missing.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from typing import Any, Final

from traingate.imports.distribution_names import normalize

_NAME: Final = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)


def read_file(files: metadata.Distribution, name: str) -> str:
    """Return the text of a file of the metadata; empty if it is missing or cannot be read."""
    try:
        return files.read_text(name) or ""
    except (OSError, ValueError):  # for example, it is not UTF-8
        return ""


def read_header(files: metadata.Distribution) -> str:
    """Return the text that has the name and the version; empty if it cannot be read."""
    return read_file(files, "METADATA") or read_file(files, "PKG-INFO") or read_file(files, "")


def name_in(header: str) -> str | None:
    """Return the normalized name that ``read_header`` has found, None if there is none."""
    match = _NAME.search(header)
    return None if match is None else normalize(match[1])


def direct_url(files: metadata.Distribution) -> dict[str, Any]:
    """Return where a distribution was installed from, if that is not an index (PEP 610).

    Returns:
        Content of ``direct_url.json``, in which ``url`` is a string, and ``dir_info`` an object if
        it is there; empty if the file is missing or damaged.
    """
    try:
        content = json.loads(read_file(files, "direct_url.json") or "{}")
    except (ValueError, RecursionError):
        return {}
    is_valid = (
        isinstance(content, dict)
        and isinstance(content.get("url"), str)
        and isinstance(content.get("dir_info", {}), dict)
    )
    return content if is_valid else {}
