from __future__ import annotations

import pytest
from session_forks import end_forks
from session_sites import site


@pytest.fixture(scope="session", autouse=True)
def _ended_forks():
    """End the processes that fork runs of pytest, after the last test."""
    yield
    end_forks()


@pytest.fixture
def project():
    """Return a site, which is removed with all processes of its runs."""
    with site() as made:
        yield made
