from __future__ import annotations

import fcntl
import hashlib
import pickle

import pytest
from observing import Observation, observe_once
from subjects import small_net


@pytest.fixture(scope="session")
def observe(request, tmp_path_factory):
    """Return a function that observes one launch of five steps, once a session for each stack.

    Under xdist, its workers share their observations.
    """
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent

    def observe_stack(*layers, workload=small_net, environment=None) -> Observation:
        key = f"{layers} {workload.__module__}.{workload.__name__} {environment}"
        file = shared / f"observation-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                directory = tmp_path_factory.mktemp("observed")
                observation = observe_once(layers, workload, directory, environment=environment)
                file.write_bytes(pickle.dumps(observation))
        return pickle.loads(file.read_bytes())  # noqa: S301 - written by this session

    return observe_stack


@pytest.fixture(scope="session")
def plain(observe):
    """Return the observation of the training without layers."""
    return observe()
