"""Know secrets by their own shape, and by their place in an address or a command.

Each pattern takes time in proportion to the length of the text: what may be repeated before a
pattern fails has a bound, or can begin only once in a word. The worker imports this module, so it
imports the standard library alone.
"""

from __future__ import annotations

import re
from typing import Final

SHAPES: Final = re.compile(
    r"\b(?:gh[oprsuv]_\w{20,}|github_pat_\w{20,}|gl(?:pat|rt|dt|ptt|cbt|soat|imt|agent)-[\w.-]{16,}"
    r"|hf_\w{20,}|sk-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{30,}"
    r"|[rs]k_(?:live|test)_\w{10,}|whsec_[\w+/=-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|dckr_pat_[\w-]{16,}|do[opr]_v1_\w{20,}|hv[bs]\.[\w-]{20,}|gsk_[A-Za-z0-9]{30,}"
    r"|r8_[A-Za-z0-9]{30,}|nvapi-[\w-]{20,}|lin_api_\w{20,}|shp(?:at|ca|pa|ss)_\w{16,}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{20,}"
    # Of two starts in one word, the later one is bounded: many of them would take quadratic time.
    r"|(?:(?<![\w-])eyJ[\w-]{8,}|(?<=-)eyJ[\w-]{8,250})\.eyJ[\w-]{8,}\.[\w-]*)"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
"""Secrets that are known by their shape: tokens of GitHub, GitLab, Hugging Face, OpenAI, Slack,
AWS, Google, npm, PyPI, Stripe, SendGrid, Docker, DigitalOcean, Vault, Groq, Replicate, NVIDIA,
Linear and Shopify, JSON web tokens (RFC 7519), and private keys (RFC 7468, OpenPGP and age)."""

_SCHEME: Final = r"\b[a-z][a-z0-9+.-]{0,20}://"

PLACES: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # The user of git's own protocol is no secret.
        rf"({_SCHEME})(?!git@)[^\s/?#\"'<>]*(@)",
        # A password with a character that should have been escaped; a number would be a port.
        rf"({_SCHEME})[^\s/?#:@\"'<>\[]{{1,200}}:(?!\d{{1,5}}(?:[/?#]|$))"
        r"[^\s@\"'<>]{0,500}(?:@[^\s/?#@\"'<>]{0,200}){0,3}(@)",
        r"(proxy[\"']?\s{0,3}[=:]\s{0,3}[\"']?|--(?:https?-)?proxy\s{1,3}[\"']?)"
        r"(?![a-z0-9+.-]{1,20}://)[^\s/@:\"'<>]{1,200}:[^\s@\"'<>]{1,500}(@)",
        r"(\bhooks\.slack\.com/(?:services|workflows|triggers)/)[^\s\"'<>]+()",
        r"(\bdiscord(?:app)?\.com/api/(?:v\d+/)?webhooks/)[^\s\"'<>]+()",
        r"(\bwebhook\.office\.com/)[^\s\"'<>]+()",
        r"((?<![\w-])(?:-u|-U|--user|--proxy-user)(?:=|\s{1,3})[\"']?(?!\d{1,9}:\d{1,9}\b)"
        r"[^\s/:@\"'<>]{1,200}:)(?!//)[^\s\"']+()",
        r"(\bsshpass\s{1,3}-p\s{0,3})[^\s]+()",
        # The file .netrc, in one line or in several.
        r"(\blogin\s{1,9}[^\s=:]{1,200}\s{1,9}(?:account\s{1,9}\S{1,200}\s{1,9})?password\s{1,9})"
        r"(?!protected\b|is\b|prompt\b)\S+()",
        r"^([ \t]{0,40}password[ \t]{1,9})(?![=:])\S+()(?=[ \t]{0,9}$)",
    )
)
"""Secrets that are known by their place: what stands between the two groups of a match."""
