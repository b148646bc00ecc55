"""The space of a race: files with axes of one's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from traingate.errors import ConfigurationError
from traingate.races.default_space import make_space
from traingate.races.space_file import read_space, read_space_text
from traingate.races.wishes import Wishes


def test_a_file_replaces_the_axes(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(
        """
[axes]
compiler = ["none", "compiled_step", { torch_compile = { dynamic = false } }]
both = [{}, { channels_last = true, huge_pages = true }]
environment = ["as needed", "nightly"]
"""
    )
    axes, kinds = read_space(path)
    assert not kinds
    space, _ = make_space([], Wishes(axes=axes, kinds=kinds), lambda _layer: None)
    assert space.size == 12
    point = space.point({"both": "channels_last + huge_pages", "environment": "nightly"})
    assert space.stack(point).names >= {"channels_last", "huge_pages"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[axes]\na = ['none', 'x']", "no layer of traingate"),
        ("[axes]\na = ['none', 'no.such:Layer']", "is no layer"),
        ("[axes]\na = ['none', 'none']", "twice"),
        ("[axes]\na = [1, 2]", "Expected"),
        ("[axes]\nenvironment = ['as needed', {}]", "takes names"),
        ("[other]", "other"),
        ("= 1", "space.toml"),
        ("axes = " + "[" * 5000, "nested too deeply"),
        ("[axes]\na = ['none']\nb = " + "9" * 5000, "limit"),
        ("[axes]\na = ['\udcff']", "cannot be read: .*decode"),
        ("#" * (1 << 20) + "\n", "cannot be read: it is larger than 1 MiB"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(tmp_path, text, message):
    path = tmp_path / "space.toml"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigurationError, match=message) as failure:
        read_space(path)
    assert "space.toml" in str(failure.value)


@pytest.mark.parametrize("read", [read_space, read_space_text])
def test_a_file_that_never_ends_is_refused(tmp_path, read):
    fifo = tmp_path / "fifo.toml"
    os.mkfifo(fifo)
    with pytest.raises(ConfigurationError, match=r"fifo.toml cannot be read: it is a FIFO"):
        read(fifo)
    with pytest.raises(ConfigurationError, match="/dev/zero cannot be read: it is a device"):
        read(Path("/dev/zero"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        read_space(tmp_path / "absent.toml")
