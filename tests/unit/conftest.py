import json

import pytest

from traingate.records import to_json


@pytest.fixture
def storage(tmp_path):
    """Return a function that saves a run as pytest-benchmark does, and has the storage's folder."""
    folder = tmp_path / "Linux-CPython-3.11-64bit"
    folder.mkdir()

    def save(name, *records, commit="abcdef0123456", dirty=False):
        benchmarks = [
            {
                "fullname": f"bench.py::test_{number}",
                "stats": {},
                "extra_info": {"traingate": to_json(record)},
            }
            for number, record in enumerate(records)
        ]
        benchmarks.append({"fullname": "other.py::test_other", "stats": {}, "extra_info": {}})
        content = {
            "benchmarks": benchmarks,
            "commit_info": {"id": commit, "dirty": dirty},
            "datetime": "2026-11-22T10:00:00",
        }
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content, indent=4))
        return path

    save.folder = tmp_path
    return save


@pytest.fixture
def trees(tmp_path):
    """Return the folder of two trees of a project; the modules of each hold its name in ``tree``."""
    for name in ("project", "worktree"):
        package = tmp_path / name / "src" / "package"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"tree = {name!r}")
        (package / "part.py").write_text(f"tree = {name!r}")
        (tmp_path / name / "src" / "spaced" / "inner").mkdir(parents=True)
        (tmp_path / name / "src" / "spaced" / "inner" / "deep.py").write_text(f"tree = {name!r}")
    (tmp_path / "project" / "src" / "fresh.py").write_text("")
    return tmp_path
