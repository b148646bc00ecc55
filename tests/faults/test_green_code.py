"""Test that a run which is to compare does not end green by its conftest files or its tests."""

from __future__ import annotations

import pytest
from session_conftest_ways import OF_CONFTEST
from session_sites import FAST, STORED, site
from session_test_ways import OF_TESTS

WAYS = {f"conftest: {name}": way for name, way in OF_CONFTEST.items()} | {
    f"test: {name}": way for name, way in OF_TESTS.items()
}


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
