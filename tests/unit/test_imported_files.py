import os
import time

import pytest

from traingate.controller.imported_files import ImportedFiles, digest_of_files
from traingate.errors import ConfigurationError


def test_a_file_that_changes_between_launches_of_one_side_is_refused():
    files = ImportedFiles()
    files.add("launch 1", {"models": "a", "layers": "b"})
    files.add("launch 2", {"models": "a", "late": "c"})
    with pytest.raises(ConfigurationError, match="launch 3 imported another version of models"):
        files.add("launch 3", {"models": "x"})


def test_the_sides_of_a_commit_may_differ():
    candidate = ImportedFiles()
    candidate.add("launch 1", {"models": "a"})
    base = ImportedFiles(candidate)
    base.add("launch 1 of the base", {"models": "b"})
    assert candidate.digest == digest_of_files({"models": "a"}) != base.digest


def test_under_another_interpreter_the_code_must_be_the_same_but_for_builds():
    candidate = ImportedFiles()
    candidate.add("launch 1", {"models": "a", "core": "compiled:a"})
    base = ImportedFiles(candidate, same_code=True)
    base.add("launch 1 of the base", {"models": "a", "core": "compiled:b"})
    with pytest.raises(ConfigurationError, match="imported another models than the candidate"):
        ImportedFiles(candidate, same_code=True).add("launch 1 of the base", {"models": "b"})


def test_a_file_that_one_side_builds_and_both_load_is_refused(tmp_path):
    shared = tmp_path / "shared.so"
    shared.touch()
    digests = {str(shared): "compiled:a"}
    candidate = ImportedFiles()
    candidate.add("launch 1", digests)
    os.utime(shared, (0, 0))
    ImportedFiles(candidate).add("launch 1 of the base", digests)  # built before the session
    tomorrow = time.time() + 86400
    os.utime(shared, (tomorrow, tomorrow))
    with pytest.raises(ConfigurationError, match=r"and the candidate share .*shared\.so"):
        ImportedFiles(candidate).add("launch 1 of the base", digests)
