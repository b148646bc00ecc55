"""Plugin of pytest that gives pytest-benchmark a description of the CPU that another process made.

pytest-benchmark takes a quarter of a second to make one, in each session that saves or compares.
"""

from __future__ import annotations

import json
import os

import pytest

DESCRIPTION = "TRAINGATE_TEST_CPU"
"""Variable with the description, as JSON."""


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_benchmark_generate_machine_info():
    from pytest_benchmark import plugin

    plugin.get_cpu_info = lambda: json.loads(os.environ[DESCRIPTION])
    return (yield)
