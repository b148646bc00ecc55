"""Test which limit of the roofline model binds."""

import pytest

from traingate.gate.roofline import Limit, roofline_of_step
from traingate.records import Counts

RATES = {"flops_per_second": 1e11, "memory_bytes_per_second": 2e10}


def counts(flops, per_sample=None, fixed=None):
    return Counts(
        counters={},
        flops_per_sample=flops,
        bytes_per_sample=per_sample,
        fixed_bytes_per_step=fixed,
    )


@pytest.mark.parametrize(
    ("counted", "ranks", "limit"),
    [
        (counts(1e9, 1e8, 2e8), 1, Limit(0.08, "compute")),  # 8 samples; memory: 0.05 s
        (counts(1e9, 2e8, 4e8), 1, Limit(0.1, "memory")),
        (counts(1e9, 1e8, 4e8), 4, Limit(0.12, "memory")),  # each rank has its own parameters
        (counts(1e9), 1, Limit(0.08, "compute")),
    ],
)
def test_the_longer_time_binds(counted, ranks, limit):
    result = roofline_of_step(counted, 8, ranks, **RATES)
    assert result.seconds == pytest.approx(limit.seconds)
    assert result.bound == limit.bound


def test_without_operations_or_their_rate_there_is_no_roofline():
    assert roofline_of_step(counts(None, 1e8, 1e8), 8, 1, **RATES) is None
    without_rate = {**RATES, "flops_per_second": None}
    assert roofline_of_step(counts(1e9, 1e8, 1e8), 8, 1, **without_rate) is None


def test_without_a_bandwidth_compute_binds():
    without_bandwidth = {**RATES, "memory_bytes_per_second": 0.0}
    assert roofline_of_step(counts(1e9, 1e9, 1e9), 8, 1, **without_bandwidth).bound == "compute"
