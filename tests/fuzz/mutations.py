"""Strategies of inputs that are nearly valid: those reach further than noise."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "\x1b[2J\x1b]0;title\x07", "\u009b31m", "::error::x", "##[error]x", "<script>alert(1)</script>",
            "[/red]", "[link=x]", "{{ 7 }}", "`|`", "@everyone #1", "a\nb\r\nc", "\u202eabc", "\x00", "",
            "-c", "--upload-pack=x", "../../etc/passwd", "$(touch x)", "https://user:password@host/path",
        ]
    ),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 300),
    st.sampled_from([2**31, 2**63 - 1, 2**63, -(2**63), 10**30]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([5e-324, 1e-30, 1e-9, 1e9, 1e30, 1e308, 100.0, 99.9999999, -0.0]),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)


def _places(value: Any, path: tuple = ()) -> list[tuple]:
    """Return the paths of all values inside of a value of JSON, its own left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    places = []
    for key, item in items:
        places.append((*path, key))
        if isinstance(item, (dict, list)):
            places += _places(item, (*path, key))
    return places


@st.composite
def mutated(draw: st.DrawFn, valid: Any) -> Any:
    """Return a value of JSON with a few of its parts replaced, removed, doubled or renamed."""
    content = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(content)
        if not places:
            break
        *path, key = places[draw(st.integers(0, len(places) - 1))]
        parent = content
        for step in path:
            parent = parent[step]
        kind = draw(st.sampled_from(["replace", "same type", "remove", "double", "rename"]))
        if kind == "replace":
            parent[key] = draw(JSON)
        elif kind == "same type":
            parent[key] = draw(_like(parent[key]))
        elif kind == "remove":
            del parent[key]
        elif isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            parent[draw(TEXTS) if kind == "rename" else f"{key} "] = parent[key]
    return content


@st.composite
def adjusted(draw: st.DrawFn, valid: Any) -> Any:
    """Return a value of JSON in which a few numbers and texts are others that the schema allows."""
    content = copy.deepcopy(valid)
    places = [place for place in _places(content) if place[-1] != "schema"]
    for _ in range(draw(st.integers(1, 6))):
        *path, key = places[draw(st.integers(0, len(places) - 1))]
        parent = content
        for step in path:
            parent = parent[step]
        parent[key] = draw(_alternative(parent[key]))
    return content


def _alternative(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of plausible values: of small and large numbers, of any texts."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.one_of(st.integers(1, 12), st.integers(0, 2**62))
    if isinstance(value, float):
        edges = st.sampled_from([1e-9, 1e-3, 1.0, 99.9, 1e9])
        return st.one_of(edges, st.floats(1e-9, 1e9), st.just(0.0), st.floats(-1e6, -1e-9))
    if isinstance(value, str):
        return TEXTS
    if isinstance(value, list) and value and isinstance(value[0], float):
        return st.lists(st.floats(1e-9, 1e9), min_size=len(value), max_size=len(value))
    return st.just(value)


def _like(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of values of the same type, which the schema may let through."""
    if isinstance(value, bool) or value is None:
        return st.one_of(st.booleans(), JSON)
    if isinstance(value, int):
        return st.one_of(st.integers(0, 2**63), st.integers(-5, 5))
    if isinstance(value, float):
        return st.one_of(st.floats(1e-9, 1e9), st.floats(0, 1e30), st.floats(-1e12, 100))
    if isinstance(value, str):
        return TEXTS
    if isinstance(value, list):
        return st.lists(st.sampled_from(value), max_size=3) if value else st.lists(JSON, max_size=2)
    return st.dictionaries(TEXTS, st.sampled_from([*value.values(), 1, "a"]), max_size=3)


@st.composite
def damaged_bytes(draw: st.DrawFn, valid: bytes) -> bytes:
    """Return bytes that were cut, overwritten or put together in the wrong order."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(content) - 1)))
        kind = draw(st.sampled_from(["cut", "overwrite", "insert", "zero", "swap"]))
        if kind == "cut":
            del content[start:]
        elif kind == "overwrite":
            noise = draw(st.binary(min_size=1, max_size=8))
            content[start : start + len(noise)] = noise
        elif kind == "insert":
            content[start:start] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "zero":
            length = draw(st.integers(1, 5000))
            content[start : start + length] = bytes(len(content[start : start + length]))
        else:
            content[:] = content[start:] + content[:start]
    return bytes(content)


def changed(content: Any, path: Sequence[str | int], value: Any) -> Any:
    """Return a copy of *content*, which is JSON, with another value at a path."""
    copied = copy.deepcopy(content)
    parent = copied
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return copied


def as_text(content: Any) -> bytes:
    """Return a value of JSON as Python writes it, with NaN, infinities and lone surrogates."""
    return json.dumps(content).encode()
