from __future__ import annotations

import pytest
from session_sites import site


@pytest.fixture
def project():
    """Return a site, which is removed with all processes of its runs."""
    with site() as made:
        yield made
