"""Test which limit of the roofline model binds."""

import pytest

from traingate.gate.roofline import Limit, roofline_of_step
from traingate.records import Counts


def counts(flops, size):
    return Counts(counters={}, flops_per_sample=flops, bytes_per_step=size)


@pytest.mark.parametrize(
    ("flops", "size", "limit"),
    [
        (1e9, 1e9, Limit(0.08, "compute")),  # 8 samples at 100 GFLOP/s take longer than 1 GB
        (1e9, 2e9, Limit(0.1, "memory")),
        (1e9, None, Limit(0.08, "compute")),
        (None, 1e9, None),
    ],
)
def test_the_longer_time_binds(flops, size, limit):
    result = roofline_of_step(counts(flops, size), 8, 1e11, 2e10)
    assert (result is None) == (limit is None)
    if limit is not None:
        assert result.seconds == pytest.approx(limit.seconds)
        assert result.bound == limit.bound


def test_without_a_rate_there_is_no_roofline():
    assert roofline_of_step(counts(1e9, 1e9), 8, None, 2e10) is None
    assert roofline_of_step(counts(1e9, 1e9), 8, 1e11, 0.0).bound == "compute"
