"""Test that a run which is to compare does not end green by its conftest files or its tests."""

from __future__ import annotations

import pytest
from session_conftest_ways import CHANGING, OF_CONFTEST
from session_sites import FAST, SLOW, TEST
from session_test_ways import OF_TESTS
from session_ways import (
    ASKERS,
    CHANGED_STATUS,
    COMMIT,
    STORED_RUN,
    by_conftest,
    cases,
    prepare,
)

WAYS = {f"conftest: {name}": way for name, way in OF_CONFTEST.items()} | {
    f"test: {name}": way for name, way in OF_TESTS.items()
}


@pytest.mark.parametrize(("name", "asker"), cases(WAYS))
def test_no_way_is_green(project, name, asker):
    prepare(project, asker)
    ended = WAYS[name].run(project, asker)
    assert WAYS[name].says in ended.output, ended.output
    assert ended.status == WAYS[name].status, ended.output
    assert project.leftovers() == []


@pytest.mark.parametrize(
    ("asker", "change", "says"),
    [
        (
            COMMIT,
            "traingate_against = 'HEAD~0'",
            "--traingate-against=HEAD was asked for, and a conftest file or a plugin has changed "
            "the options: --traingate-against=HEAD~0 was in force",
        ),
        (
            STORED_RUN,
            "benchmark_compare = '0001'",
            "--benchmark-compare was asked for, and a conftest file or a plugin has changed the "
            "options: --benchmark-compare=0001 was in force",
        ),
        (
            COMMIT,
            "traingate_against = None; config.option.benchmark_compare = True; "
            "config.option.benchmark_storage = 'stored'",
            "a comparison was asked for, and a conftest file or a plugin has changed the options. ",
        ),
    ],
    ids=["commit", "run", "another kind"],
)
def test_a_comparison_that_a_conftest_file_replaces_by_another_is_not_green(
    project, asker, change, says
):
    project.store(SLOW)
    project.write("conftest.py", f"def pytest_configure(config): config.option.{change}")
    project.commit()
    ended = project.run(*ASKERS[asker])
    assert ended.counts["compared"] == 1, ended.output  # a busy machine may leave it open
    assert says in ended.output, ended.output
    assert ended.status == 1


def test_a_name_in_a_stored_run_is_printed_as_text_where_the_exit_status_was_set_to_0(project):
    project.store(FAST, f"{TEST}\n::error::\x1b[31mred")
    tests = "def test_other(): pass"
    ended = by_conftest(CHANGING["exit at the end"], CHANGED_STATUS, tests).run(project, STORED_RUN)
    assert ended.status == 1, ended.output
    last_message = ended.output.partition(CHANGED_STATUS)[2]
    assert "red" in last_message
    assert "\x1b[31m" not in last_message
    assert not any(line.lstrip().startswith("::") for line in last_message.splitlines())
