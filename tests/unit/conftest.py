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
