"""Whether a path exists is answered for every path."""

from __future__ import annotations

import pytest

from traingate.untrusted.paths import is_file, is_folder, path_exists

STRANGE = ["\0", "a" * 300, "\udcff", "\ud800", "a/" * 3000]


@pytest.mark.parametrize("name", STRANGE, ids=["null", "long", "byte", "surrogate", "deep"])
def test_a_path_that_no_file_can_have_does_not_exist(tmp_path, name):
    for path in (name, tmp_path / name):
        assert (path_exists(path), is_file(path), is_folder(path)) == (False, False, False)


def test_files_folders_and_links_are_told_apart(tmp_path):
    file, loop, link = tmp_path / "file", tmp_path / "loop", tmp_path / "link"
    file.touch()
    loop.symlink_to(loop)
    link.symlink_to(file)
    assert [path_exists(path) for path in (tmp_path, file, link, loop)] == [True, True, True, False]
    assert [is_file(path) for path in (tmp_path, file, link, loop)] == [False, True, True, False]
    assert [is_folder(path) for path in (tmp_path, file, link, loop)] == [True, False, False, False]
