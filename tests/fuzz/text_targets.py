"""Texts of strangers: none of them becomes markup, a command, a control sequence or a secret."""

from __future__ import annotations

import html
import io
import json
import re
import unicodedata
from html.parser import HTMLParser

from hypothesis import strategies as st
from mutations import TEXTS as SHORT_TEXTS
from rich.console import Console
from rich.text import Text

from traingate.report.markdown import code_block, code_span, escaped
from traingate.report.page import json_data, page_environment
from traingate.report.terminal_text import rendered_text, terminal_line, terminal_text
from traingate.untrusted.masking import MASK, masked_environment, masked_text, masked_variable
from traingate.untrusted.plain_text import without_control_characters

_ACTIVE = "\x1b[]PX^()<>&\"'`*_#!|~@:-+{}\\/=;%$\r\n\t\x00\x07\x85\x90\x9b\x9c\x9d\u2028\u202e\u2066\ud800 ab1"
TEXTS = st.one_of(
    SHORT_TEXTS,
    st.text(st.sampled_from(_ACTIVE), max_size=60),
    st.text(max_size=60),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Po"]), max_size=30),
    st.lists(SHORT_TEXTS, max_size=4).map("".join),
)

_MARKDOWN_LEFT = re.compile(r"[\\`*_{}\[\]()+!|~<>\"']|(?<!&)#(?!x?\d)")
"""Characters that would have a meaning; ``#`` may stand in a reference to a character."""


def check_markdown(text: str) -> None:
    """Escaped text has no active character, and reads as the text without control characters."""
    line = escaped(text)
    assert not _MARKDOWN_LEFT.search(line), line
    assert "\n" not in line
    shown = html.unescape(line).replace("\u200b", "")
    assert shown == " ".join(without_control_characters(text).split()).replace("\u200b", "")
    assert not re.search(r"[@#](?!\u200b)", html.unescape(line)), "a mention"
    span, block = code_span(text), code_block(text)
    assert "\n" not in span
    fence = re.match("`+", block)[0]
    inner = block[block.index("\n") + 1 : block.rindex("\n")]
    assert fence not in inner
    assert _ESCAPES.search(span + block) is None


_ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class _Tags(HTMLParser):
    """Parser that keeps what a browser would make elements and attributes of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags += [tag, *(f"{name}={value}" for name, value in attrs if name != "title")]

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.tags.append("comment")

    def handle_decl(self, decl):
        self.tags.append("declaration")

    unknown_decl = handle_pi = handle_decl


_TEMPLATE = page_environment().from_string('<p title="{{ text }}">{{ text }}</p>')


def check_html(text: str) -> None:
    """A text in a page is one element's text and one attribute; data end no script element."""
    parser = _Tags()
    parser.feed(_TEMPLATE.render(text=text))
    parser.close()
    assert parser.tags == ["p"]
    data = str(json_data({"key": [text, 1.5, {text: None}]}))
    assert not set("<>&\u2028\u2029") & set(data)
    assert json.loads(data)["key"][1] == 1.5
    for part in (*parser.texts, json.loads(data)["key"][0]):
        assert _ESCAPES.search(part) is None
        part.encode()


def check_terminal(text: str) -> None:
    """A text for a terminal has no control sequence and no command, and stays as it is after that.

    No sequence hides text of another line, and no line begins with a command after a wrap.
    """
    for shown in (terminal_text(text), terminal_line(text)):
        shown.encode()  # no lone surrogates
        for letter in shown:
            assert letter in "\n\t" or unicodedata.category(letter) != "Cc", repr(letter)
            assert letter not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        _check_lines(shown)
        _check_lines(rendered_text(_wrapped(shown, width=2 + len(text) % 11)))
    assert terminal_text(terminal_text(text)) == terminal_text(text)
    assert "\n" not in terminal_line(text)
    lines = map(without_control_characters, text.split("\n"))
    assert without_control_characters(text) == "\n".join(lines), "a sequence over several lines"


def _check_lines(shown: str) -> None:
    for line in re.split(r"[\r\n\u2028\u2029\x85]", shown):
        assert not line.strip().startswith("::"), line
        assert "##[" not in line


def _wrapped(text: str, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    with console.capture() as capture:
        console.print(Text(text))
    return capture.get()


_HIDDEN = "q7Zx9Lm2Vb4Nc8Kd1Fg5"
FORMS = (
    "https://user:{}@host/simple", "http://{}@proxy:3128", "socks5h://{}:x@host", "PASSWORD={}",
    "--token {}", "--api-key={}", "Authorization: Bearer {}", "https://host/?token={}&a=b",
    "https://host/x?sig=1&access_token={}", "ghp_{}abcd", "AUTH_TOKEN: '{}'", "hf_{}", "secret = {}",
    "git+https://x-access-token:{}@host/a.git", "client_secret={}", "\"password\": \"{}\"",
)  # fmt: skip
SECRETS = st.tuples(st.sampled_from(FORMS), TEXTS, TEXTS)


def check_masking(value: tuple[str, str, str]) -> None:
    """A secret with a name or a shape is masked between any other texts."""
    form, before, after = value
    text = f"{before} {form.format(_HIDDEN)} {after}"
    masked = masked_text(text)
    assert _HIDDEN not in masked_text(terminal_text(f"\x1b[32m{form.format(_HIDDEN)}\x1b[0m"))
    assert _HIDDEN not in masked, masked
    assert masked_text(masked).count(MASK) >= 1
    environment = {
        "variables": {"TORCH_API_TOKEN": after or "x", "OMP_NUM_THREADS": "2"},
        "a": text,
    }
    shown = masked_environment(environment)
    assert shown["variables"] == {"TORCH_API_TOKEN": MASK, "OMP_NUM_THREADS": "2"}
    assert _HIDDEN not in str(shown)
    assert masked_variable("PATH_TO", "plain") == "plain"
