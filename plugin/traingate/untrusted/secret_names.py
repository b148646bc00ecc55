"""Tell by its name whether a variable, an option or a field holds a secret.

The worker imports this module, so it imports the standard library alone.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = re.compile(
    r"token(?!s|iz)|secret|passw(?:or)?[dt]|passphrase|credential|auth(?!or(?!i[sz]ation))|signature"
    r"|cookie|(?:api|access|private|priv|secret|encrypt(?:ion)?|signing|account|licen[cs]e|ssh|gpg"
    r"|pgp|shared|master|deploy|storage|subscription|service|session|client|consumer|admin|webhook"
    r"|hmac|aes|rsa|auth)[_-]?key(?!word|ed|board|err)"
    r"|(?:ssh|db|user|smtp|ftp|mysql|pg|redis|proxy|mail|admin|root|login|store|http)[_-]?pass$"
    r"|(?:ssh|db|user|smtp|ftp|mysql|pg|redis|proxy|admin|root)_pwd$",
    re.IGNORECASE,
)
"""Parts of names that say "secret" in a variable and in any text."""

_CAPITALS: Final = re.compile(
    r"(?:^|[A-Z0-9_-])[_-](?:PASS|PAT|PW|PWD|PSK|CREDS?|JWT|KEY)(?:_?\d{1,4})?$"
    r"|^-*(?:PASS|PAT|PSK|CREDS?|JWT)$"
)
"""Ends of names in capitals, as variables have them: a ``file_pat`` in small letters is a pattern,
and a ``sort_key`` a function."""

_PARTS_OF_VARIABLES: Final = re.compile(r"_(?:PWD|KEYS?)(?![A-Z])")
"""Parts of names that say "secret" in a variable alone."""

_PLURAL: Final = re.compile(
    r"(?<!MAX)(?<!MIN)(?<!NUM)(?<!NEW)(?<!_N)(?<!^N)(?<!TOTAL)(?<!BATCH)(?<!PUT)(?<!PROMPT)"
    r"(?<!CONTEXT)(?<!PER)(?<!SPECIAL)(?<!GENERATED)[_-]TOKENS$|^-*TOKENS$"
)
"""Names of several tokens that are not counted, in capitals."""

_HEADER: Final = re.compile(r"(?:[\w-]*-)?(?:authorization|cookie2?)", re.IGNORECASE)

_WHOLE: Final = re.compile(r"-*(?:pass|pw|pwd|psk|jwt|creds?)", re.IGNORECASE)


def is_secret_variable(name: str) -> bool:
    """Return whether the whole value of an environment variable of this name is a secret."""
    name = name.upper()
    return is_secret_name(name) or any(
        pattern.search(name) for pattern in (_PARTS_OF_VARIABLES, _PLURAL)
    )


def is_secret_name(name: str) -> bool:
    """Return whether a value that is assigned to this name in a text is a secret."""
    return bool(_WORDS.search(name) or _CAPITALS.search(name))


def is_name_of_tokens(name: str) -> bool:
    """Return whether the name is one of several tokens, of a model or of a service."""
    return bool(_PLURAL.search(name.upper()))


def is_short_name(name: str) -> bool:
    """Return whether the name is a short word for a password that has other meanings as well."""
    return bool(_WHOLE.fullmatch(name))


def is_header(name: str) -> bool:
    """Return whether a header of this name has secrets in all of its line."""
    return bool(_HEADER.fullmatch(name))
