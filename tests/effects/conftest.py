from __future__ import annotations

import fcntl
import functools
import hashlib
import pickle

import pytest
from observing import Observation, observe_once
from subjects import small_net


@pytest.fixture(scope="session")
def observe(request, tmp_path_factory):
    """Return a function that observes one launch of five steps, once a session for each stack.

    Under xdist, its workers share their observations. A profile takes some seconds; an observation
    without it has no operators.
    """
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent

    def observe_stack(*layers, workload=small_net, **options) -> Observation:
        key = f"{layers} {workload.__module__}.{workload.__name__} {sorted(options.items())}"
        file = shared / f"observation-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                directory = tmp_path_factory.mktemp("observed")
                observation = observe_once(layers, workload, directory, **options)
                file.write_bytes(pickle.dumps(observation))
        return pickle.loads(file.read_bytes())  # noqa: S301 - written by this session

    return observe_stack


@pytest.fixture
def train(observe):
    """Return a function as ``observe``, whose observations have no profile."""
    return functools.partial(observe, profile=False)


@pytest.fixture(scope="session")
def plain(observe):
    """Return the observation of the training without layers."""
    return observe()
