from __future__ import annotations

import pytest
from observing import Observed, observe_once
from subjects import small_net


@pytest.fixture(scope="session")
def observe(tmp_path_factory):
    """``observe(*layers, workload=...)``: one launch of five steps; each stack once a session."""
    known = {}

    def look(*layers, workload=small_net) -> Observed:
        key = (layers, workload.__name__)
        if key not in known:
            known[key] = observe_once(layers, workload, tmp_path_factory.mktemp("observed"))
        return known[key]

    return look


@pytest.fixture(scope="session")
def plain(observe):
    return observe()
