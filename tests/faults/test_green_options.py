"""Test that a run which is to compare does not end green by an option or a variable."""

from __future__ import annotations

import pytest
from session_option_ways import OF_ENVIRONMENT, OF_OPTIONS
from session_sites import FAST, STORED, site

WAYS = {**OF_OPTIONS, **OF_ENVIRONMENT}


@pytest.fixture
def project():
    with site() as made:
        made.store(FAST)
        yield made


@pytest.mark.parametrize("name", WAYS)
def test_no_way_is_green(project, name):
    ended = WAYS[name].run(project, *STORED)
    assert ended.status != 0, ended.output
    assert WAYS[name].says in ended.output, ended.output
    assert project.leftovers() == []
