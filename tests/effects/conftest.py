from __future__ import annotations

import pytest
from observing import Observation, observe_once
from subjects import small_net


@pytest.fixture(scope="session")
def observe(tmp_path_factory):
    """Return a function that observes one launch of five steps, once a session for each stack."""
    observations = {}

    def observe_stack(*layers, workload=small_net, environment=None) -> Observation:
        key = (layers, workload.__name__, environment)
        if key not in observations:
            observations[key] = observe_once(
                layers, workload, tmp_path_factory.mktemp("observed"), environment=environment
            )
        return observations[key]

    return observe_stack


@pytest.fixture(scope="session")
def plain(observe):
    """Return the observation of the training without layers."""
    return observe()
