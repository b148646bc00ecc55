"""Test that a run which is to compare does not end green in any way that we know."""

from __future__ import annotations

import pytest
from session_sites import FAST, STORED, site
from session_ways import OF_CONFTEST, OF_ENVIRONMENT, OF_OPTIONS, OF_TESTS

WAYS = {
    f"{kind}: {name}": way
    for kind, ways in {
        "option": OF_OPTIONS,
        "environment": OF_ENVIRONMENT,
        "conftest": OF_CONFTEST,
        "test": OF_TESTS,
    }.items()
    for name, way in ways.items()
}


@pytest.fixture
def project():
    with site() as made:
        made.store(FAST)
        yield made


@pytest.mark.parametrize("way", WAYS)
def test_no_way_is_green(project, way):
    chosen = WAYS[way]
    for name, text in chosen.files.items():
        project.write(name, text)
    project.variables.update(chosen.variables)
    ended = project.run(*STORED, *chosen.arguments)
    assert ended.status != 0, ended.output
    assert chosen.says in ended.output, ended.output
    assert project.leftovers() == []
