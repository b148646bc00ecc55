import sys
from pathlib import Path

import pytest

from traingate.host import shared_libraries

SMALL = Path(sys.executable).resolve().read_bytes()[:64]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the only folder in which libraries are searched for."""
    monkeypatch.setattr(shared_libraries, "_folders", lambda: [tmp_path])
    monkeypatch.setattr(shared_libraries, "_loader_cache", list)
    shared_libraries.find_library.cache_clear()
    yield tmp_path
    shared_libraries.find_library.cache_clear()


def test_of_several_versions_the_highest_is_taken(folder):
    for name in ("libtcmalloc.so.4", "libtcmalloc.so.10", "libtcmalloc.so.4.5.10"):
        (folder / name).write_bytes(SMALL)
    assert shared_libraries.find_library("tcmalloc") == folder / "libtcmalloc.so.10"


def test_the_plain_name_comes_first(folder):
    for name in ("libjemalloc.so", "libjemalloc.so.2"):
        (folder / name).write_bytes(SMALL)
    assert shared_libraries.find_library("jemalloc") == folder / "libjemalloc.so"


def test_a_library_of_a_similar_name_is_not_taken(folder):
    for name in ("libtcmalloc_debug.so.4", "libtcmalloc.so.py", "libtcmalloc.so.4.bak"):
        (folder / name).write_bytes(SMALL)
    assert shared_libraries.find_library("tcmalloc") is None


@pytest.mark.parametrize("content", [b"", b"INPUT(libx.so)", SMALL[:18] + b"\xff\xff" + SMALL[20:]])
def test_a_file_that_this_process_cannot_load_is_skipped(folder, content):
    (folder / "libiomp5.so").write_bytes(content)
    assert shared_libraries.find_library("iomp5") is None


def test_a_broken_link_is_skipped(folder):
    (folder / "libiomp5.so").symlink_to(folder / "gone.so")
    assert shared_libraries.find_library("iomp5") is None


def test_the_loaders_cache_is_searched_last(folder, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("cache") / "libtcmalloc.so.4"
    elsewhere.write_bytes(SMALL)
    monkeypatch.setattr(shared_libraries, "_loader_cache", lambda: [elsewhere])
    assert shared_libraries.find_library("tcmalloc") == elsewhere


def test_the_folder_of_a_conda_environment_is_searched(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libtraingate_test.so.1").write_bytes(SMALL)
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    assert (
        shared_libraries.find_library("traingate_test")
        == tmp_path / "lib" / "libtraingate_test.so.1"
    )


def test_the_library_that_serves_malloc_in_this_process_is_found():
    assert shared_libraries.allocator_name() is not None
    assert shared_libraries.library_serving("no_such_symbol_anywhere") is None
    assert shared_libraries.loaded_library("c") is not None
    assert shared_libraries.loaded_library("no_such_library") is None


def test_the_name_of_a_library_is_no_pattern():
    pytest.importorskip("numpy._core._multiarray_umath")  # it loads the C++ library
    assert shared_libraries.loaded_library("stdc++").name.startswith("libstdc++.so")
    assert shared_libraries.loaded_library(".") is None
