"""Test that no command is sent that a worker would refuse: it could not say what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer
from traingate.layers.stack import Stack
from traingate.protocol import messages
from traingate.protocol.codec import decode, encode


def prepare(*, arguments=None, options=None, ignored=()):
    return messages.Prepare(
        workload={"qualname": "model", "arguments": arguments or {}},
        layers=[{"factory": {}, "options": options or {}}],
        import_paths=["/a"],
        scale="quick",
        seed=1,
        relocation={"origin": "/a", "tree": "/b", "ignored": list(ignored)},
    )


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


MOST = 1_000_001 - len(re.findall(rb"[,\\[{]", encode(prepare(arguments={"a": [1]}))))
"""Largest number of values in one argument of the command above."""

TOO_LARGE = {
    "values": ({"arguments": {"a": [1] * (MOST + 1)}}, r"1,000,001 values .* arguments of the workload\."),
    "two arguments": (
        {"arguments": {"a": [1] * 600_000, "b": [1] * 600_000}}, r"1,200,\d+ values .* arguments of the workload\.",
    ),
    "lists": ({"options": {"a": [[]] * 500_001}}, r"1,000,\d+ values .* options of the layers\."),
    "paths": ({"ignored": ["a.o"] * 1_000_001}, r"1,000,\d+ values .* paths that git ignores in the working tree"),
    "bytes": ({"options": {"a": "x" * (64 << 20)}}, r"67,\d+,\d+ bytes, .* 64 MiB .* options of the layers\."),
    "depth": ({"arguments": {"a": nested(90)}}, r"arguments of the workload, .* more than 90 levels deep"),
    "depth beyond Python's": ({"options": {"a": nested(9000)}}, r"options of the layers, .* more than 90 levels deep"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_command_that_a_worker_would_refuse_is_not_sent(name):
    changes, problem = TOO_LARGE[name]
    with pytest.raises(ConfigurationError, match=problem):
        encode(prepare(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": {"a": [1] * MOST}},
        {"arguments": {"a": nested(89)}},
        {"options": {"a": "x" * ((64 << 20) - 1000)}},
    ],
    ids=["values", "depth", "bytes"],
)
def test_a_command_within_the_limits_is_sent_and_read(changes):
    command = prepare(**changes)
    assert decode(encode(command)) == command


@dataclass(frozen=True)
class Listing(BaseLayer):
    """Layer of a user, whose option may be of any size."""

    values: Any
    name = "listing"
    order = 450
    conflicts = frozenset()

    def apply(self, training):
        pass


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([1] * 1_000_001, r"its options have 1,000,\d+ values"),
        (nested(89), r"its options have values that are nested more than 89 levels deep"),
        (nested(9000), r"its options do not survive JSON, .* maximum recursion depth"),
    ],
    ids=["many", "deep", "deeper"],
)
def test_options_of_a_layer_that_are_too_large_name_the_layer(values, problem):
    with pytest.raises(ConfigurationError, match=f"layer listing: {problem}"):
        Stack.of([Listing(values)])
    assert Stack.of([Listing(nested(88))]).names == {"listing"}
